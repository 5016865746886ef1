import { formatUid } from '@flaghoist/opamp';
import type { Client } from './client.ts';
import type { Composition } from './composition.ts';
import type { Deadlines } from './deadlines.ts';
import { supervisor as figures } from './limits.ts';
import type { AgentPlan } from './plan.ts';
import type { Random } from './random.ts';
import type { Recorder } from './record.ts';
import { ailing, bareHealthy, type Health } from './report.ts';
import type { Scenario } from './scenario.ts';
import type { Pieces } from './wire.ts';

/** The collector process: `starting` includes stopping the one before. */
export type CollectorState = 'off' | 'starting' | 'up' | 'stopping' | 'crashed';

/** `start` and `halt` come from the Supervisor; the others happen when their time has come. */
export type CollectorEvent = 'start' | 'halt' | 'ready' | 'exit' | 'halted' | 'retry';

/** The next state; `null` where the event cannot happen (SPEC.md). */
const transitions: Readonly<Record<CollectorState, Readonly<Record<CollectorEvent, CollectorState | null>>>> = {
  off: { start: 'starting', halt: 'stopping', ready: null, exit: null, halted: null, retry: null },
  starting: {
    start: 'starting',
    halt: 'stopping',
    ready: 'up',
    exit: 'crashed',
    halted: null,
    retry: null,
  },
  up: { start: 'starting', halt: 'stopping', ready: null, exit: 'crashed', halted: null, retry: null },
  stopping: { start: 'starting', halt: 'stopping', ready: null, exit: null, halted: 'off', retry: null },
  crashed: {
    start: 'starting',
    halt: 'stopping',
    ready: null,
    exit: null,
    halted: null,
    retry: 'starting',
  },
};

/** What a collector is to run. */
export interface Job {
  readonly composition: Composition;
  /** Of the remote configuration in it; undefined for the local one alone. */
  readonly hash: string | undefined;
  /** The agent's behaviour shows with it. */
  readonly hit: boolean;
}

export interface CollectorContext {
  readonly plan: AgentPlan;
  readonly scenario: Scenario;
  readonly random: Random;
  readonly deadlines: Deadlines;
  readonly recorder: Recorder;
  readonly client: Client;
  /** Whether ReportsEffectiveConfig is on. */
  readonly reportsEffective: boolean;
}

/** What a step of the process means to its Supervisor. */
export type Outcome = 'exited' | 'halted' | undefined;

/** The collector under a Supervisor: starts, crashes and stops, and what it says of itself. */
export class Collector {
  private readonly context: CollectorContext;
  private state: CollectorState = 'off';
  private pid: number;
  private job: Job | undefined;
  private lastHealth: Health = ailing('');
  /** What it reported last. */
  private shown: Composition | undefined;
  /** It does not survive its start. */
  private doomed = false;

  constructor(context: CollectorContext) {
    this.context = context;
    this.pid = context.plan.pid;
  }

  get health(): Health {
    return this.lastHealth;
  }

  /** On the way to another state. */
  get busy(): boolean {
    return this.state === 'stopping' || (this.state === 'starting' && !this.doomed);
  }

  get exitCode(): number {
    return this.context.plan.behaviour.exitCode ?? 1;
  }

  /** Start it, with something else than before or with the same; what runs is stopped. */
  start(job: Job, now: number): void {
    this.sayGoodbye(now);
    this.job = job;
    this.move('start');
    this.launch(now);
  }

  /** The same configuration came under another hash. */
  relabel(hash: string): void {
    if (this.job === undefined) return;
    this.job = { ...this.job, hash };
    if (this.state === 'up' && this.shown === this.job.composition) this.context.recorder.record.running = hash;
  }

  /** Start it again with what it has. Nothing to restart when it is stopped. */
  restart(now: number): void {
    if (this.job === undefined || this.state === 'off' || this.state === 'stopping') return;
    this.start(this.job, now);
  }

  /** Stop it for good; `halted` follows. */
  halt(now: number): void {
    this.sayGoodbye(now);
    this.move('halt');
    this.context.deadlines.clear('tree');
    this.wait('collector', this.context.random.between(figures.haltMs), now);
  }

  /** Profile `instant`: it runs this without having started. */
  replace(job: Job, now: number): void {
    this.context.deadlines.clear('collector');
    this.state = 'up';
    this.job = job;
    this.show(job);
    this.treeDue();
    this.context.client.flush(now);
    this.reportEffective();
    this.context.client.flush(now);
  }

  /** Its time has come: started, crashed, stopped, or to be started again. */
  due(now: number): Outcome {
    if (this.state === 'crashed') {
      this.move('retry');
      this.launch(now);
      return undefined;
    }
    if (this.state === 'stopping') return this.halted(now);
    if (this.doomed) return this.exited(now);
    this.ready(now);
    return undefined;
  }

  /** The component tree follows the bare health of a new process. */
  treeDue(): void {
    if (this.state === 'up') this.setHealth({ ...bareHealthy, status: 'StatusOK', parts: this.parts });
  }

  /** `unhealthy` counts from APPLIED on. */
  applied(now: number): void {
    const { kind, after = 1_000 } = this.context.plan.behaviour;
    if (kind === 'unhealthy' && this.job?.hit === true) this.wait('behaviour', after, now);
  }

  /** The time of `crash after` or `unhealthy after` has come. */
  behaviourDue(now: number): Outcome {
    if (this.state !== 'up') return undefined;
    const { kind, message = 'data refused due to high memory usage' } = this.context.plan.behaviour;
    if (kind === 'crash') return this.exited(now);
    this.setHealth({ healthy: false, error: message, status: 'StatusRecoverableError', parts: this.parts });
    return undefined;
  }

  /** Also the Supervisor speaks of its collector's health. */
  setHealth(health: Health): void {
    this.lastHealth = health;
    this.context.recorder.record.healthy = health.healthy;
    this.context.client.change('health');
  }

  reportEffective(): void {
    if (this.context.reportsEffective) this.context.client.change('effective');
  }

  /** The effective config: of the collector, or before it has spoken the Supervisor's own text. */
  effective(): Pieces {
    const { plan, client } = this.context;
    const template = this.shown?.effective ?? this.job?.composition.own;
    const ppid = String(plan.pid);
    return template?.fill({ uid: formatUid(client.uid), port: String(plan.port), ppid, host: plan.name }) ?? [];
  }

  /** Whether it survives its start is known already. */
  private launch(now: number): void {
    const { plan, scenario, random, deadlines, recorder } = this.context;
    const { kind, after, restartTime = scenario.applyTimeout * 2 } = plan.behaviour;
    const hit = this.job?.hit === true;
    const crashes = kind === 'rollback' || (kind === 'crash' && after === undefined);
    this.doomed = this.job?.composition.fault !== undefined || (hit && crashes);
    if (this.pid > plan.pid) recorder.restarted(now);
    this.pid += random.int(1, 90);
    deadlines.clear('tree');
    if (kind === 'crash' || kind === 'unhealthy') deadlines.clear('behaviour');
    const usual = random.between(scenario.restartTime);
    this.wait('collector', kind === 'slow' && hit ? restartTime : usual, now);
  }

  private ready(now: number): void {
    const { plan, random } = this.context;
    const { kind, after } = plan.behaviour;
    this.move('ready');
    const hit = this.job?.hit === true;
    if (this.job !== undefined && !(kind === 'liar' && hit)) this.show(this.job);
    this.reportEffective();
    this.setHealth(bareHealthy);
    this.wait('tree', random.between(figures.treeMs), now);
    if (kind === 'crash' && hit && after !== undefined) this.wait('behaviour', after, now);
  }

  private exited(now: number): Outcome {
    const { deadlines, recorder, client } = this.context;
    this.move('exit');
    recorder.crashed(now);
    recorder.record.running = undefined;
    const what = `Agent process PID=${this.pid} exited unexpectedly, exit code=${this.exitCode}.`;
    this.setHealth(ailing(`${what} Will restart in a bit...`));
    client.flush(now);
    deadlines.clear('tree');
    this.wait('collector', figures.crashBackoffMs, now);
    return 'exited';
  }

  private halted(now: number): Outcome {
    this.move('halted');
    this.context.recorder.record.running = undefined;
    this.reportEffective();
    this.context.client.flush(now);
    this.setHealth(bareHealthy);
    return 'halted';
  }

  /** A running one says that it stops. What any of them said does not count for the next one. */
  private sayGoodbye(now: number): void {
    if (this.state === 'up') this.setHealth(ailing(''));
    this.lastHealth = { ...this.lastHealth, healthy: false };
    this.context.client.flush(now);
  }

  private show(job: Job): void {
    this.shown = job.composition;
    this.context.recorder.record.running = job.hash;
  }

  private get parts(): Composition['parts'] | undefined {
    return this.job?.composition.parts;
  }

  private move(event: CollectorEvent): void {
    const next = transitions[this.state][event];
    if (next === null) throw new Error(`a collector that is ${this.state} cannot take ${event}`);
    this.state = next;
  }

  private wait(wait: 'collector' | 'tree' | 'behaviour', ms: number, now: number): void {
    this.context.deadlines.set(wait, now + ms * this.context.scenario.timeScale);
  }
}

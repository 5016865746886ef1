import { AgentCapabilities as Bits, formatUid } from '@flaghoist/opamp';
import type { Client } from './client.ts';
import type { Composition } from './composer.ts';
import { encodeHealth, type Health } from './content.ts';
import type { Life } from './life.ts';
import { supervisor as figures } from './limits.ts';

/** `starting` and `failing` include stopping the process before; a `failing` one will not come up (SPEC.md). */
type ProcessState = 'off' | 'starting' | 'failing' | 'up' | 'stopping' | 'crashed';

const ailing = (error: string): Health => ({ healthy: false, error });
const bareHealthy: Health = { healthy: true, error: '' };

/** The collector under a Supervisor: starts, crashes and stops, and what it says of itself. */
export class Collector {
  private readonly life: Life;
  private readonly client: Client;
  private readonly onExit: (exitCode: number) => void;
  private state: ProcessState = 'off';
  private pid: number;
  /** What it is to run, and whether the agent's behaviour shows with it. */
  private job: Composition;
  private hit = false;
  private lastHealth: Health = ailing('');
  /** What it reported last. */
  private shown: Composition | undefined;

  /** @param onExit called after a process exited by itself */
  constructor(life: Life, client: Client, onExit: (exitCode: number) => void) {
    this.life = life;
    this.client = client;
    this.onExit = onExit;
    this.pid = life.plan.pid;
    this.job = life.composer.local;
  }

  get healthy(): boolean {
    return this.lastHealth.healthy;
  }

  /** Start it, with something else than before or with the same; what runs is stopped. */
  start(job: Composition, hit: boolean): void {
    this.sayGoodbye();
    this.job = job;
    this.hit = hit;
    this.launch();
  }

  /** The same configuration came under another hash. */
  relabel(job: Composition): void {
    if (this.state === 'up' && this.shown === this.job) this.show(job);
    this.job = job;
  }

  /** Start it again with what it has. Nothing to restart when it is stopped. */
  restart(): void {
    if (this.state !== 'off' && this.state !== 'stopping') this.start(this.job, this.hit);
  }

  /** Stop it for good. */
  halt(onHalted: () => void): void {
    const { random, timers, record } = this.life;
    this.sayGoodbye();
    this.state = 'stopping';
    timers.set('process', random.between(figures.haltMs), () => {
      this.state = 'off';
      record.running = undefined;
      this.reportEffective();
      this.client.flush();
      this.setHealth(bareHealthy);
      onHalted();
    });
  }

  /** Profile `instant`: it runs this without having started. */
  replace(job: Composition): void {
    this.life.timers.clear('process');
    this.state = 'up';
    this.job = job;
    this.show(job);
    this.reportTree();
    this.client.flush();
    this.reportEffective();
    this.client.flush();
  }

  /** Its host is down: no process, and nothing said. */
  vanish(): void {
    const { timers, record } = this.life;
    for (const wait of ['process', 'tree', 'illness'] as const) timers.clear(wait);
    this.state = 'off';
    record.running = undefined;
    this.setHealth(ailing(''));
  }

  /** It is reported APPLIED: from then on `unhealthy` counts. */
  applied(): void {
    const { plan, timers } = this.life;
    const { kind, after = 1_000, message = 'data refused due to high memory usage' } = plan.behaviour;
    if (kind !== 'unhealthy' || !this.hit) return;
    timers.set('illness', after, () => {
      this.setHealth({ healthy: false, error: message, status: 'StatusRecoverableError' });
    });
  }

  /** The Supervisor ends, and says so in the collector's health. */
  end(): void {
    this.setHealth(ailing('Supervisor is shutdown'));
  }

  health(): Uint8Array {
    return encodeHealth(this.lastHealth, this.job.parts, this.life.timers.now);
  }

  /** The effective config: of the collector, or before it has spoken the Supervisor's own text. */
  effective(): Uint8Array {
    const { name: host, port, pid } = this.life.plan;
    const fill = this.shown?.effective ?? this.job.own;
    return fill({ uid: formatUid(this.client.uid), port: `${port}`, ppid: `${pid}`, host });
  }

  reportEffective(): void {
    if (this.client.can(Bits.AgentCapabilities_ReportsEffectiveConfig)) this.client.change('effective');
  }

  /** Whether it survives its start is known already. */
  private launch(): void {
    const { plan, scenario, random, timers, record } = this.life;
    const { kind, after, restartTime = scenario.applyTimeout * 2 } = plan.behaviour;
    const crashes = kind === 'rollback' || kind === 'fallback' || (kind === 'crash' && after === undefined);
    const fails = this.job.fault !== undefined || (this.hit && crashes);
    if (this.pid > plan.pid) record.collectorRestarts += 1;
    this.pid += random.int(1, 90);
    this.state = fails ? 'failing' : 'starting';
    const lasts = kind === 'slow' && this.hit ? restartTime : random.between(scenario.restartTime);
    timers.set('process', lasts, () => (fails ? this.exit() : this.ready()));
  }

  private ready(): void {
    const { plan, random, timers } = this.life;
    const { kind, after } = plan.behaviour;
    this.state = 'up';
    if (kind !== 'liar' || !this.hit) this.show(this.job);
    this.reportEffective();
    this.setHealth(bareHealthy);
    // The component tree follows the bare health of a new process.
    timers.set('tree', random.between(figures.treeMs), () => this.reportTree());
    if (kind === 'crash' && this.hit && after !== undefined) timers.set('illness', after, () => this.exit());
  }

  private exit(): void {
    const { plan, timers, record } = this.life;
    const { exitCode = 1 } = plan.behaviour;
    this.state = 'crashed';
    record.crashes += 1;
    record.running = undefined;
    const what = `Agent process PID=${this.pid} exited unexpectedly, exit code=${exitCode}.`;
    this.setHealth(ailing(`${what} Will restart in a bit...`));
    this.client.flush();
    timers.clear('tree');
    timers.set('process', figures.crashBackoffMs, () => this.launch());
    this.onExit(exitCode);
  }

  /** A running one says that it stops. What any of them said does not count for the next one. */
  private sayGoodbye(): void {
    if (this.state === 'up') this.setHealth(ailing(''));
    for (const wait of ['tree', 'illness'] as const) this.life.timers.clear(wait);
    this.lastHealth = { ...this.lastHealth, healthy: false };
    this.client.flush();
  }

  private reportTree(): void {
    this.setHealth({ healthy: true, error: '', status: 'StatusOK' });
  }

  private setHealth(health: Health): void {
    this.lastHealth = health;
    this.life.record.healthy = health.healthy;
    this.client.change('health');
  }

  private show(job: Composition): void {
    this.shown = job;
    this.life.record.running = job.hash;
  }
}

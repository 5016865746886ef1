import { type AgentRemoteConfig, formatUid, type InstanceUid, RemoteConfigStatuses } from '@flaghoist/opamp';
import type { Client, Part } from './client.ts';
import { type CollectorEvent, type CollectorState, nextState } from './collector.ts';
import type { Composer, RemoteConfig } from './composer.ts';
import type { Composition } from './composition.ts';
import type { Deadlines } from './deadlines.ts';
import { supervisor as figures } from './limits.ts';
import type { AgentPlan } from './plan.ts';
import type { Random } from './random.ts';
import type { Recorder } from './record.ts';
import * as report from './report.ts';
import type { Scenario } from './scenario.ts';
import { nothing, type Pieces } from './wire.ts';

const {
  RemoteConfigStatuses_UNSET: UNSET,
  RemoteConfigStatuses_APPLYING: APPLYING,
  RemoteConfigStatuses_APPLIED: APPLIED,
  RemoteConfigStatuses_FAILED: FAILED,
} = RemoteConfigStatuses;

interface Status {
  readonly hash: Uint8Array;
  readonly status: RemoteConfigStatuses;
  readonly error: string;
}

/** Whom a Supervisor works with. */
export interface SupervisorContext {
  readonly plan: AgentPlan;
  readonly scenario: Scenario;
  readonly composer: Composer;
  readonly random: Random;
  readonly deadlines: Deadlines;
  readonly recorder: Recorder;
  readonly client: Client;
  /** Whether ReportsRemoteConfig and ReportsEffectiveConfig are on. */
  readonly reports: { readonly status: boolean; readonly effective: boolean };
}

/** Supervisor v0.149 and its collector: takes remote configurations, restarts, reports (SPEC.md). */
export class Supervisor {
  private readonly context: SupervisorContext;
  private collector: CollectorState = 'off';
  private pid: number;
  /** What the collector is to run. */
  private composition: Composition | undefined;
  /** The remote configuration received last, good or bad: the one that statuses are about. */
  private remote: RemoteConfig | undefined;
  /** The one reported APPLIED last, to go back to. */
  private lastWorking: RemoteConfig | undefined;
  private status: Status = { hash: nothing, status: UNSET, error: '' };
  private health = report.ailing('');
  /** What the collector reported last. */
  private shown: Composition | undefined;
  /** The collector does not survive its start. */
  private doomed = false;

  constructor(context: SupervisorContext) {
    this.context = context;
    this.pid = context.plan.pid;
  }

  /** Whether it is on the way from one configuration to another. */
  get busy(): boolean {
    return (
      this.context.deadlines.has('apply') ||
      this.collector === 'stopping' ||
      (this.collector === 'starting' && !this.doomed)
    );
  }

  boot(now: number): void {
    const composed = this.context.composer.compose(undefined);
    // The local file does not parse: a Supervisor goes on without it.
    if ('error' in composed) return;
    this.composition = composed;
    if (this.context.plan.behaviour.kind === 'instant') {
      this.collector = 'up';
      this.shown = composed;
      this.setHealth({ healthy: true, error: '', status: 'StatusOK', parts: composed.parts });
      return;
    }
    this.move('start');
    this.launch(now);
  }

  /** The orderly end: the collector first, then the link. */
  end(): void {
    this.setHealth(report.ailing('Supervisor is shutdown'));
  }

  /** The fields of one part of a report. */
  encode(part: Part, now: number): Pieces {
    const { plan, composer, client } = this.context;
    switch (part) {
      case 'description':
        return [report.descriptionField(plan, client.uid)];
      case 'health':
        return [report.healthField(this.health, now)];
      case 'effective':
        return report.effectiveField(this.effectiveBody());
      case 'status':
        return [report.statusField(this.status.hash, this.status.status, this.status.error)];
      case 'packages':
        return [report.packagesField];
      case 'components':
        return [composer.build.components];
      case 'componentsHash':
        return [composer.build.hashOnly];
      case 'goodbye':
        return [report.goodbyeField];
    }
  }

  /** A report with the status goes out. */
  statusSent(now: number): void {
    const { hash, status, error } = this.status;
    this.context.recorder.said(Buffer.from(hash).toString('hex'), status, error, now);
  }

  receive(config: AgentRemoteConfig, now: number): void {
    const { composer, plan, recorder, client, deadlines } = this.context;
    const remote = remoteConfig(config);
    recorder.offered(remote.hashText, now);
    const composed = composer.compose(remote);
    const { kind, message } = plan.behaviour;
    if (kind === 'silent' && !('error' in composed) && this.hits(composed, remote)) return;
    this.remote = remote;
    if ('error' in composed) {
      this.report(FAILED, composed.error);
      return;
    }
    if (kind === 'reject' && this.hits(composed, remote)) {
      this.report(FAILED, message ?? 'configuration refused by the local policy');
      return;
    }
    if (composed === this.composition) {
      this.report(APPLIED);
      return;
    }
    if (plan.group.validateConfig && composed.fault !== undefined) {
      this.report(FAILED, validationText(composed.fault));
      return;
    }
    this.composition = composed;
    this.report(APPLYING);
    if (kind === 'instant') {
      this.applyAtOnce(composed, now);
      return;
    }
    this.reportEffective();
    client.flush(now);
    this.shutDown();
    if (composed.empty) {
      this.move('halt');
      deadlines.clear('apply');
      deadlines.set('collector', now + this.scaled(this.context.random.between(figures.haltMs)));
    } else {
      this.apply(now);
    }
  }

  /** The restart command; nothing to restart when the collector is stopped. */
  restart(now: number): void {
    this.context.recorder.record.restartCommands += 1;
    if (this.collector === 'off' || this.collector === 'stopping') return;
    this.shutDown();
    this.context.client.flush(now);
    this.move('start');
    this.launch(now);
  }

  /** A new instance uid is part of the collector's configuration. */
  identify(uid: InstanceUid, now: number): void {
    const { client, recorder } = this.context;
    client.uid = uid;
    recorder.record.uid = formatUid(uid);
    client.change('description');
    client.flush(now);
    if (this.collector === 'off') return;
    this.shutDown();
    this.apply(now);
  }

  /** The collector's time has come: started, crashed, stopped, or to be started again. */
  collectorDue(now: number): void {
    if (this.collector === 'crashed') {
      this.move('retry');
      this.launch(now);
    } else if (this.collector === 'stopping') this.halted(now);
    else if (this.doomed) this.exited(now);
    else this.ready(now);
  }

  /** The component tree follows the bare health of a new process. */
  treeDue(): void {
    if (this.collector !== 'up') return;
    this.setHealth({ healthy: true, error: '', status: 'StatusOK', parts: this.composition?.parts });
  }

  applyDue(now: number): void {
    if (this.health.healthy) this.applied(now);
    else this.failed('Config apply timeout exceeded', now);
  }

  /** The time of `crash after` or `unhealthy after` has come. */
  behaviourDue(now: number): void {
    if (this.collector !== 'up') return;
    if (this.context.plan.behaviour.kind === 'crash') {
      this.doomed = true;
      this.exited(now);
      return;
    }
    const error = this.context.plan.behaviour.message ?? 'not enough memory to go on: data refused';
    this.setHealth({
      healthy: false,
      error,
      status: 'StatusRecoverableError',
      parts: this.composition?.parts,
    });
  }

  private apply(now: number): void {
    this.context.deadlines.set('apply', now + this.scaled(this.context.scenario.applyTimeout));
    this.move('start');
    this.launch(now);
  }

  /** Its process starts; whether it survives that is known already. */
  private launch(now: number): void {
    const { plan, scenario, random, deadlines, recorder } = this.context;
    const { kind, after, restartTime = scenario.applyTimeout * 2 } = plan.behaviour;
    const hit = this.hits(this.composition, this.remote);
    this.doomed =
      this.composition?.fault !== undefined ||
      (hit && (kind === 'rollback' || (kind === 'crash' && after === undefined)));
    if (this.pid > plan.pid) recorder.restarted(now);
    this.pid += random.int(1, 90);
    const usual = random.between(scenario.restartTime);
    deadlines.clear('tree');
    if (kind === 'crash' || kind === 'unhealthy') deadlines.clear('behaviour');
    deadlines.set('collector', now + this.scaled(kind === 'slow' && hit ? restartTime : usual));
  }

  private ready(now: number): void {
    const { plan, deadlines, random, recorder } = this.context;
    this.move('ready');
    const hit = this.hits(this.composition, this.remote);
    const { kind, after } = plan.behaviour;
    if (kind !== 'liar' || !hit) {
      this.shown = this.composition;
      recorder.record.running = this.remote?.hashText;
    }
    this.reportEffective();
    this.setHealth(report.bareHealthy);
    deadlines.set('tree', now + this.scaled(random.between(figures.treeMs)));
    if (kind === 'crash' && hit && after !== undefined) deadlines.set('behaviour', now + this.scaled(after));
  }

  private exited(now: number): void {
    const { plan, deadlines, recorder, client } = this.context;
    const code = plan.behaviour.exitCode ?? 1;
    this.move('exit');
    recorder.crashed(now);
    recorder.record.running = undefined;
    this.setHealth(
      report.ailing(
        `Agent process PID=${this.pid} exited unexpectedly, exit code=${code}. Will restart in a bit...`,
      ),
    );
    client.flush(now);
    deadlines.clear('tree');
    deadlines.set('collector', now + this.scaled(figures.crashBackoffMs));
    if (!deadlines.has('apply')) return;
    deadlines.clear('apply');
    this.failed(`Agent exited unexpectedly with exit code ${code} while applying configuration`, now);
  }

  private halted(now: number): void {
    this.move('halted');
    this.context.recorder.record.running = this.remote?.hashText;
    this.reportEffective();
    this.context.client.flush(now);
    this.report(APPLIED);
    this.setHealth(report.bareHealthy);
  }

  private applied(now: number): void {
    const { plan, deadlines } = this.context;
    const { kind, after = 1_000 } = plan.behaviour;
    this.lastWorking = this.remote;
    this.report(APPLIED);
    if (kind === 'unhealthy' && this.hits(this.composition, this.remote))
      deadlines.set('behaviour', now + this.scaled(after));
  }

  /** After FAILED, automatic rollback starts what worked last, and judges it anew. */
  private failed(error: string, now: number): void {
    const { plan, composer, client } = this.context;
    this.report(FAILED, error);
    if (plan.behaviour.kind !== 'rollback' || this.lastWorking === undefined) return;
    if (this.lastWorking.hashText === this.remote?.hashText) return;
    const composed = composer.compose(this.lastWorking);
    if ('error' in composed) return;
    client.flush(now);
    this.remote = this.lastWorking;
    this.composition = composed;
    this.apply(now);
  }

  /** Profile `instant`: four messages, nothing in between. */
  private applyAtOnce(composed: Composition, now: number): void {
    const { client, recorder } = this.context;
    client.flush(now);
    this.setHealth({ healthy: true, error: '', status: 'StatusOK', parts: composed.parts });
    client.flush(now);
    this.shown = composed;
    recorder.record.running = this.remote?.hashText;
    this.reportEffective();
    client.flush(now);
    this.report(APPLIED);
  }

  /** A running collector says that it stops. */
  private shutDown(): void {
    if (this.collector === 'up') this.setHealth(report.ailing(''));
    // What the collector said before does not count for the next one.
    this.health = { ...this.health, healthy: false };
  }

  private report(status: RemoteConfigStatuses, error = ''): void {
    const { recorder, client, reports } = this.context;
    const hash = this.remote?.hash ?? nothing;
    // opamp-go refuses to report a status without hash, and does not repeat one.
    if (!reports.status || hash.length === 0) return;
    const old = this.status;
    this.status = { hash, status, error };
    if (old.status === status && old.error === error && Buffer.compare(old.hash, hash) === 0) return;
    client.change('status');
    recorder.record.healthy = this.health.healthy;
  }

  private reportEffective(): void {
    if (this.context.reports.effective) this.context.client.change('effective');
  }

  private setHealth(health: report.Health): void {
    this.health = health;
    this.context.recorder.record.healthy = health.healthy;
    this.context.client.change('health');
  }

  private effectiveBody(): Pieces {
    const { plan, client } = this.context;
    const fillings = {
      uid: formatUid(client.uid),
      port: String(plan.port),
      ppid: String(plan.pid),
      host: plan.name,
    };
    return (this.shown?.effective ?? this.composition?.own)?.fill(fillings) ?? [];
  }

  /** Whether the behaviour shows with this configuration: only with remote ones. */
  private hits(composition: Composition | undefined, remote: RemoteConfig | undefined): boolean {
    const { kind, component } = this.context.plan.behaviour;
    if (remote === undefined || composition === undefined) return false;
    if (component !== undefined) return composition.components.has(component);
    if (kind !== 'rollback') return true;
    return this.lastWorking !== undefined && this.lastWorking.hashText !== remote.hashText;
  }

  private move(event: CollectorEvent): void {
    this.collector = nextState(this.collector, event);
  }

  private scaled(ms: number): number {
    return ms * this.context.scenario.timeScale;
  }
}

/** What Supervisor v0.149 makes of the collector's refusal; the repetition is its own. */
function validationText(fault: string): string {
  return `configuration validation failed: configuration validation failed: config validation failed: exit status 1, output: Error: ${fault}\n`;
}

function remoteConfig(config: AgentRemoteConfig): RemoteConfig {
  const entries = Object.entries(config.config?.configMap ?? {});
  return {
    hash: config.configHash,
    hashText: Buffer.from(config.configHash).toString('hex'),
    bodies: new Map(entries.map(([name, { body }]) => [name, body])),
  };
}

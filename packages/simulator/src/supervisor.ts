import { type AgentRemoteConfig, formatUid, type InstanceUid, RemoteConfigStatuses } from '@flaghoist/opamp';
import type { Part } from './client.ts';
import { Collector, type CollectorContext, type Outcome } from './collector.ts';
import type { Composer, RemoteConfig } from './composer.ts';
import type { Composition } from './composition.ts';
import * as report from './report.ts';
import { nothing, type Pieces } from './wire.ts';

const {
  RemoteConfigStatuses_UNSET: UNSET,
  RemoteConfigStatuses_APPLYING: APPLYING,
  RemoteConfigStatuses_APPLIED: APPLIED,
  RemoteConfigStatuses_FAILED: FAILED,
} = RemoteConfigStatuses;

/** Whom a Supervisor works with. */
export interface SupervisorContext extends CollectorContext {
  readonly composer: Composer;
  /** Whether ReportsRemoteConfig is on. */
  readonly reportsStatus: boolean;
}

/** Supervisor v0.149: takes remote configurations, restarts its collector, reports (SPEC.md). */
export class Supervisor {
  private readonly context: SupervisorContext;
  private readonly collector: Collector;
  /** What the collector is to run, and the remote configuration that it came from. */
  private composition: Composition | undefined;
  private accepted: RemoteConfig | undefined;
  /** The remote configuration received last, good or bad: the one that statuses are about. */
  private remote: RemoteConfig | undefined;
  /** The one reported APPLIED last, to go back to. */
  private lastWorking: RemoteConfig | undefined;
  private status = { hash: nothing, status: UNSET, error: '' };

  constructor(context: SupervisorContext) {
    this.context = context;
    this.collector = new Collector(context);
  }

  /** Whether it is on the way from one configuration to another. */
  get busy(): boolean {
    return this.context.deadlines.has('apply') || this.collector.busy;
  }

  boot(now: number): void {
    const { composer, plan } = this.context;
    const composition = composer.compose(undefined);
    // A local file that does not parse keeps the collector from ever starting.
    if ('error' in composition) return;
    this.composition = composition;
    const job = { composition, hash: undefined, hit: false };
    if (plan.behaviour.kind === 'instant') this.collector.replace(job, now);
    else this.collector.start(job, now);
  }

  /** The orderly end: the collector first, then the link. */
  end(): void {
    this.collector.setHealth(report.ailing('Supervisor is shutdown'));
  }

  /** The fields of one part of a report. */
  encode(part: Part, now: number): Pieces {
    const { plan, composer, client } = this.context;
    switch (part) {
      case 'description':
        return [report.descriptionField(plan, client.uid)];
      case 'health':
        return [report.healthField(this.collector.health, now)];
      case 'effective':
        return report.effectiveField(this.collector.effective());
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
    const remote = composer.shared(remoteConfig(config));
    recorder.offered(remote.hashText, now);
    const composed = composer.compose(remote);
    const { kind } = plan.behaviour;
    if (kind === 'silent' && !('error' in composed) && this.hits(composed, remote)) return;
    this.remote = remote;
    const refusal = this.refusal(composed);
    if (refusal !== undefined || 'error' in composed) {
      this.report(FAILED, refusal);
      return;
    }
    this.accepted = remote;
    if (composed === this.composition) {
      // Said even of a collector that crashes with it, which is then taken for working.
      this.lastWorking = remote;
      this.collector.relabel(remote.hashText);
      this.report(APPLIED);
      return;
    }
    this.composition = composed;
    this.report(APPLYING);
    if (kind === 'instant') {
      client.flush(now);
      this.collector.replace({ composition: composed, hash: remote.hashText, hit: false }, now);
      this.report(APPLIED);
      return;
    }
    this.collector.reportEffective();
    client.flush(now);
    if (!composed.empty) {
      this.apply(now);
      return;
    }
    deadlines.clear('apply');
    this.collector.halt(now);
  }

  restart(now: number): void {
    this.context.recorder.record.restartCommands += 1;
    this.collector.restart(now);
  }

  /** A new instance uid is part of the collector's configuration. */
  identify(uid: InstanceUid, now: number): void {
    const { client, recorder } = this.context;
    client.uid = uid;
    recorder.record.uid = formatUid(uid);
    client.change('description');
    client.flush(now);
    // With a refused configuration on disk the Supervisor cannot compose anew, and leaves the collector alone.
    if (this.composition?.empty === false && this.remote === this.accepted) this.apply(now);
  }

  collectorDue(now: number): void {
    this.heed(this.collector.due(now), now);
  }

  behaviourDue(now: number): void {
    this.heed(this.collector.behaviourDue(now), now);
  }

  treeDue(): void {
    this.collector.treeDue();
  }

  /** APPLIED is never said before; what happens afterwards changes only the health. */
  applyDue(now: number): void {
    if (!this.collector.health.healthy) {
      this.failed('Config apply timeout exceeded', now);
      return;
    }
    this.lastWorking = this.remote;
    this.report(APPLIED);
    this.collector.applied(now);
  }

  private heed(outcome: Outcome, now: number): void {
    const { deadlines } = this.context;
    if (outcome === 'halted') this.report(APPLIED);
    if (outcome !== 'exited' || !deadlines.has('apply')) return;
    deadlines.clear('apply');
    const { exitCode } = this.collector;
    this.failed(`Agent exited unexpectedly with exit code ${exitCode} while applying configuration`, now);
  }

  private apply(now: number): void {
    const { deadlines, scenario } = this.context;
    if (this.composition === undefined) return;
    deadlines.set('apply', now + scenario.applyTimeout * scenario.timeScale);
    const hit = this.hits(this.composition, this.accepted);
    this.collector.start({ composition: this.composition, hash: this.accepted?.hashText, hit }, now);
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
    this.accepted = this.lastWorking;
    this.composition = composed;
    this.apply(now);
  }

  /** Why the configuration just received is refused without touching the collector. */
  private refusal(composed: Composition | { readonly error: string }): string | undefined {
    if ('error' in composed) return composed.error;
    const { behaviour, group } = this.context.plan;
    if (behaviour.kind === 'reject' && this.hits(composed, this.remote)) {
      return behaviour.message ?? 'configuration refused by the local policy';
    }
    // What is unchanged is not validated again.
    const validated = group.validateConfig && composed !== this.composition;
    return validated && composed.fault !== undefined ? validationText(composed.fault) : undefined;
  }

  /** opamp-go refuses to report a status without hash, and does not repeat one. */
  private report(status: RemoteConfigStatuses, error = ''): void {
    const hash = this.remote?.hash ?? nothing;
    if (!this.context.reportsStatus || hash.length === 0) return;
    const old = this.status;
    this.status = { hash, status, error };
    if (old.status === status && old.error === error && Buffer.compare(old.hash, hash) === 0) return;
    this.context.client.change('status');
  }

  /** Whether the behaviour shows with this configuration: only with remote ones. */
  private hits(composition: Composition, remote: RemoteConfig | undefined): boolean {
    const { kind, component } = this.context.plan.behaviour;
    if (remote === undefined) return false;
    if (component !== undefined) return composition.components.has(component);
    if (kind !== 'rollback') return true;
    return this.lastWorking !== undefined && this.lastWorking.hashText !== remote.hashText;
  }
}

/** What Supervisor v0.149 makes of the collector's refusal; the repetition is its own. */
function validationText(fault: string): string {
  const twice = 'configuration validation failed: configuration validation failed: ';
  return `${twice}config validation failed: exit status 1, output: Error: ${fault}\n`;
}

function remoteConfig(config: AgentRemoteConfig): RemoteConfig {
  const entries = Object.entries(config.config?.configMap ?? {});
  return {
    hash: config.configHash,
    hashText: Buffer.from(config.configHash).toString('hex'),
    bodies: new Map(entries.map(([name, { body }]) => [name, body])),
  };
}

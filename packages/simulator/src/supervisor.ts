import { isDeepStrictEqual } from 'node:util';
import { type AgentRemoteConfig, AgentCapabilities as Bits, formatUid, type InstanceUid } from '@flaghoist/opamp';
import type { Client, Part } from './client.ts';
import { Collector } from './collector.ts';
import type { Composition } from './composer.ts';
import * as content from './content.ts';
import type { Life } from './life.ts';
import { recordOffer, recordStatus } from './record.ts';

/** Supervisor v0.149: takes remote configurations, restarts its collector, reports (SPEC.md). */
export class Supervisor {
  /** What goes out as each part of a report. */
  readonly content: Readonly<Record<Part, () => Uint8Array>> = {
    description: () => content.encodeDescription(this.life.plan, this.client.uid),
    health: () => this.collector.health(),
    effective: () => this.collector.effective(),
    status: () => this.sayStatus(),
    packages: () => content.PACKAGES,
    hash: () => content.COMPONENTS_HASH,
    components: () => content.COMPONENTS,
    goodbye: () => content.GOODBYE,
  };
  private readonly life: Life;
  private readonly client: Client;
  readonly collector: Collector;
  /** The configuration received last, good or bad: the one that statuses are about. */
  private received: Composition;
  /** The one that the collector is to run. */
  private accepted: Composition;
  /** The one reported APPLIED last, to go back to. */
  private lastWorking: Composition | undefined;
  private status: content.ConfigStatus = { hash: '', status: 'UNSET', error: '' };

  constructor(life: Life, client: Client) {
    this.life = life;
    this.client = client;
    this.received = life.composer.local;
    this.accepted = life.composer.local;
    this.collector = new Collector(life, client, (exitCode) => this.exited(exitCode));
  }

  boot(): void {
    const { plan, composer } = this.life;
    // A local file that does not parse keeps the collector from ever starting.
    if (composer.local.error !== undefined) return;
    if (plan.behaviour.kind === 'instant') this.collector.replace(composer.local);
    else this.collector.start(composer.local, false);
  }

  receive(config: AgentRemoteConfig): void {
    const { composer, plan, record, timers } = this.life;
    const offered = composer.compose(config);
    recordOffer(record, { hash: offered.hash ?? '', at: timers.now });
    const { kind } = plan.behaviour;
    if (kind === 'silent' && offered.error === undefined && this.hits(offered)) return;
    this.received = offered;
    if (kind === 'die' && offered.error === undefined && this.hits(offered)) {
      this.die(offered);
      return;
    }
    const unchanged = offered.text === this.accepted.text && offered.empty === this.accepted.empty;
    const refusal = this.refusal(offered, unchanged);
    if (refusal !== undefined) {
      this.report('FAILED', refusal);
      return;
    }
    this.accepted = offered;
    if (unchanged) {
      // Said even of a collector that crashes with it, which is then taken for working.
      this.lastWorking = offered;
      this.collector.relabel(offered);
      this.report('APPLIED');
      return;
    }
    this.report('APPLYING');
    if (kind === 'instant') {
      this.client.flush();
      this.collector.replace(offered);
      this.report('APPLIED');
      return;
    }
    this.collector.reportEffective();
    this.client.flush();
    this.apply();
  }

  /** A new instance uid is part of the collector's configuration. */
  identify(uid: InstanceUid): void {
    this.client.uid = uid;
    this.life.record.uid = formatUid(uid);
    this.client.change('description');
    this.client.flush();
    // With a refused configuration on disk the Supervisor cannot compose anew, and leaves the collector alone.
    if (!this.accepted.empty && this.accepted.error === undefined && this.received === this.accepted) this.apply();
  }

  /** Its host goes down; what it has taken is stored before it is applied. */
  private die(offered: Composition): void {
    this.accepted = offered;
    this.life.timers.clear('apply');
    this.collector.vanish();
    this.client.leave();
    this.report('APPLYING');
  }

  private apply(): void {
    const { timers, scenario } = this.life;
    if (this.accepted.empty) {
      timers.clear('apply');
      this.collector.halt(() => this.report('APPLIED'));
      return;
    }
    timers.set('apply', scenario.applyTimeout, () => this.judge());
    this.collector.start(this.accepted, this.hits(this.accepted));
  }

  /** The apply timeout is over. APPLIED is never said before; what happens afterwards changes only the health. */
  private judge(): void {
    if (!this.collector.healthy) this.failed('Config apply timeout exceeded');
    else {
      if (this.received.hash !== undefined) this.lastWorking = this.received;
      this.report('APPLIED');
      this.collector.applied();
    }
  }

  private exited(exitCode: number): void {
    if (this.life.timers.clear('apply'))
      this.failed(`Agent exited unexpectedly with exit code ${exitCode} while applying configuration`);
  }

  /** After FAILED, automatic rollback starts what worked last, and judges it anew; a fallback says nothing more (P2a, P2b). */
  private failed(error: string): void {
    const { lastWorking } = this;
    const { kind } = this.life.plan.behaviour;
    this.report('FAILED', error);
    if ((kind !== 'rollback' && kind !== 'fallback') || lastWorking === undefined) return;
    if (lastWorking.hash === this.received.hash) return;
    // A broken text that came while the one before was judged counts as that one, and cannot be composed.
    if (lastWorking.error !== undefined) return;
    this.client.flush();
    this.accepted = lastWorking;
    if (kind === 'fallback') {
      this.collector.start(lastWorking, false);
      return;
    }
    this.received = lastWorking;
    this.apply();
  }

  /** Why the configuration just received is refused without touching the collector. */
  private refusal(offered: Composition, unchanged: boolean): string | undefined {
    if (offered.error !== undefined) return offered.error;
    const { behaviour, group } = this.life.plan;
    if (behaviour.kind === 'reject' && this.hits(offered))
      return behaviour.message ?? 'configuration refused by the local policy';
    // What is unchanged is not validated again.
    if (!group.validateConfig || unchanged || offered.fault === undefined) return undefined;
    // The repetition is the Supervisor's own.
    const twice = 'configuration validation failed: configuration validation failed: ';
    return `${twice}config validation failed: exit status 1, output: Error: ${offered.fault}\n`;
  }

  /** opamp-go refuses to report a status without hash or capability, and does not repeat one. */
  private report(status: content.ConfigStatus['status'], error = ''): void {
    const { hash } = this.received;
    if (!hash || !this.client.can(Bits.AgentCapabilities_ReportsRemoteConfig)) return;
    const old = this.status;
    this.status = { hash, status, error };
    if (!isDeepStrictEqual(old, this.status)) this.client.change('status');
  }

  private sayStatus(): Uint8Array {
    recordStatus(this.life.record, { ...this.status, at: this.life.timers.now });
    return content.encodeStatus(this.status);
  }

  /** Whether the behaviour shows with this configuration: only with remote ones. */
  private hits(config: Composition): boolean {
    const { kind, component } = this.life.plan.behaviour;
    if (config.hash === undefined) return false;
    if (component !== undefined) return config.components.has(component);
    if (kind !== 'rollback' && kind !== 'fallback') return true;
    return this.lastWorking !== undefined && this.lastWorking.hash !== config.hash;
  }
}

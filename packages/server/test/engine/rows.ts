/** The durable rows, all of them. Each is as it was written, so that an image of them is a copy of the lists alone. */
import type * as fleet from '@flaghoist/fleet';
import { newAgent } from '@flaghoist/fleet';
import type { JournalEvent } from '../../src/events/journal-event.ts';
import {
  type Change,
  type Loaded,
  type RolloutLog,
  type RolloutSummary,
  TIME_TRAVEL,
} from '../../src/storage/store.ts';

/** The row that a change may only write once. */
function onceOnly(change: Change): string | undefined {
  if (change.kind === 'revision') return `revision ${change.row.configuration}@${change.row.number}`;
  if (change.kind === 'rollout-log') return `log ${change.row.rollout} ${change.row.version}`;
  if (change.kind === 'event') return `event ${change.row.seq}`;
  return undefined;
}

export const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value));
const byKey = <T>(rows: ReadonlyMap<string, T>): T[] =>
  [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);

export class Rows {
  readonly configurations = new Map<string, fleet.Configuration>();
  readonly revisions = new Map<string, fleet.Revision>();
  readonly files = new Map<string, fleet.ConfigFiles>();
  readonly groups = new Map<string, fleet.Group>();
  readonly identities = new Map<fleet.AgentId, fleet.AgentIdentity>();
  readonly reports = new Map<fleet.AgentId, fleet.AgentReport>();
  readonly assignments = new Map<fleet.AgentId, fleet.Assignment>();
  /** By agent, then by generation. */
  readonly ledgers = new Map<fleet.AgentId, Map<number, fleet.LedgerEntry>>();
  readonly texts = new Map<string, string>();
  readonly strategies = new Map<string, fleet.OwnStrategy>();
  readonly rollouts = new Map<string, RolloutSummary>();
  readonly logs = new Map<string, RolloutLog[]>();
  readonly events: JournalEvent[] = [];
  readonly alerts = new Map<string, fleet.Alert>();
  readonly marks = new Map<string, number>();
  readonly answers = new Map<string, unknown>();
  readonly once = new Set<string>();
  /** Transactions so far, and how many of them an older image that was put back does not have (I14). */
  commits = 0;
  missing = 0;

  /** The ledger entry of the agent's present generation. */
  ledgerOf(agent: fleet.AgentId): fleet.LedgerEntry | null {
    const generation = this.assignments.get(agent)?.generation ?? 0;
    return this.ledgers.get(agent)?.get(generation) ?? null;
  }

  /** What stands there and is not to be written over: once-only rows, and later versions. */
  conflict(change: Change): string | undefined {
    const row = onceOnly(change);
    if (row !== undefined) return this.once.has(row) ? row : undefined;
    if (change.kind === 'agent-assignment')
      return (this.assignments.get(change.id)?.generation ?? 0) > change.row.generation ? change.id : undefined;
    if (change.kind === 'rollout')
      return (this.rollouts.get(change.row.id)?.version ?? 0) >= change.row.version ? change.row.id : undefined;
    return undefined;
  }

  apply(change: Change): void {
    const row = onceOnly(change);
    if (row !== undefined) this.once.add(row);
    if (change.kind === 'mark' && change.name === TIME_TRAVEL) this.missing = 0;
    switch (change.kind) {
      case 'configuration':
        this.configurations.set(change.row.name, change.row);
        break;
      case 'configuration-deleted':
        this.configurations.delete(change.name);
        break;
      case 'revision':
        this.revisions.set(`${change.row.configuration}@${change.row.number}`, change.row);
        this.files.set(change.row.hash, change.files);
        break;
      case 'group':
        this.groups.set(change.row.name, change.row);
        break;
      case 'group-deleted':
        this.groups.delete(change.name);
        break;
      case 'agent-identity':
        this.identities.set(change.row.id, change.row);
        break;
      case 'agent-report':
        this.reports.set(change.id, change.row);
        break;
      case 'agent-assignment':
        this.assignments.set(change.id, change.row);
        break;
      case 'ledger': {
        const entries = this.ledgers.get(change.id) ?? new Map<number, fleet.LedgerEntry>();
        this.ledgers.set(change.id, entries.set(change.row.generation, change.row));
        break;
      }
      case 'agent-deleted':
        for (const rows of [this.identities, this.reports, this.assignments, this.ledgers]) rows.delete(change.id);
        break;
      case 'text':
        this.texts.set(change.digest, change.body);
        break;
      case 'strategy':
        this.strategies.set(change.row.name, change.row);
        break;
      case 'rollout':
        this.rollouts.set(change.row.id, change.row);
        break;
      case 'rollout-log': {
        const log = this.logs.get(change.row.rollout) ?? [];
        // Version n stands at n - 1; without fencing a second leader writes over it.
        log[change.row.version - 1] = change.row;
        this.logs.set(change.row.rollout, log);
        break;
      }
      case 'event':
        this.events.push(change.row);
        break;
      case 'alert':
        this.alerts.set(change.row.id, change.row);
        break;
      case 'mark':
        this.marks.set(change.name, change.value);
        break;
      case 'idempotency':
        this.answers.set(change.key, change.answer);
        break;
      default:
        throw new Error(`the simulated store does not know ${(change as Change).kind}`);
    }
  }

  load(): Loaded {
    const agents = byKey(this.identities).map((identity) => {
      const { id, instanceUid, firstSeen } = identity;
      const blank = newAgent(id, instanceUid, firstSeen);
      const report = this.reports.get(id) ?? blank.report;
      const assignment = this.assignments.get(id) ?? blank.assignment;
      return { identity, report, assignment, ledger: this.ledgerOf(id) };
    });
    const revisions = [...this.revisions.values()].sort(
      (a, b) =>
        (a.configuration < b.configuration ? -1 : Number(a.configuration > b.configuration)) || a.number - b.number,
    );
    const rollouts = byKey(this.rollouts).sort((a, b) => a.createdAt - b.createdAt);
    const lastEvent = this.events.reduce((last, { seq }) => Math.max(last, seq), 0);
    const rows = {
      configurations: byKey(this.configurations),
      revisions,
      groups: byKey(this.groups),
      agents,
      rollouts,
    };
    return {
      ...copy(rows),
      marks: new Map(this.marks),
      firstEvent: this.events[0]?.seq ?? 1,
      lastEvent,
      travelled: this.missing > 0 ? { missing: this.missing } : null,
      alerts: [...this.alerts.values()].sort((a, b) => a.raisedAt - b.raisedAt),
      webhooks: [],
      deliveries: [],
      strategies: byKey(this.strategies),
    };
  }

  /** As it is now, for later. */
  image(): Rows {
    const image = new Rows();
    image.become(this);
    return image;
  }

  /** An older image is put in its place. */
  putBack(image: Rows): void {
    const { commits } = this;
    this.become(image);
    this.missing = commits - image.commits;
  }

  private become(other: Rows): void {
    const fill = <K, V>(own: Map<K, V>, from: ReadonlyMap<K, V>): void => {
      own.clear();
      for (const [key, value] of from) own.set(key, value);
    };
    const { ledgers, logs, events, once, commits, missing, ...maps } = other;
    for (const [name, map] of Object.entries(maps)) {
      if (map instanceof Map) fill(this[name as 'texts'], map);
    }
    fill(this.ledgers, new Map(Array.from(ledgers, ([id, entries]) => [id, new Map(entries)])));
    fill(this.logs, new Map(Array.from(logs, ([id, log]) => [id, [...log]])));
    this.events.splice(0, this.events.length, ...events);
    this.once.clear();
    for (const row of once) this.once.add(row);
    Object.assign(this, { commits, missing });
  }
}

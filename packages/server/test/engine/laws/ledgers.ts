/** What is watched at each ledger entry that becomes durable: I10, I11, and who may assign what, I7. */
import * as fleet from '@flaghoist/fleet';
import type { Change } from '../../../src/storage/store.ts';
import { type Moment, short } from '../agent/agent.ts';
import { SECOND } from '../timeline.ts';
import type { Evidence } from './evidence.ts';

const SILENCE: ReadonlySet<string> = new Set(['lost-contact', 'apply-timeout', 'never-acknowledged']);

type LedgerChange = Extract<Change, { kind: 'ledger' }>;

export class LedgerLaws {
  readonly #evidence: Evidence;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  /** An entry is about to be written. */
  written({ id, row }: LedgerChange): void {
    const before = this.#evidence.world.database.ledgers.get(id)?.get(row.generation);
    this.#checkDeadline(id, before, row);
    if (before?.phase !== 'proven' && row.phase === 'proven') this.#checkProof(id, row);
  }

  /** I10: nobody fails while we were away, and deadlines move three times at most. */
  #checkDeadline(id: fleet.AgentId, before: fleet.LedgerEntry | undefined, row: fleet.LedgerEntry): void {
    const most = fleet.LIMITS.outageExtensions;
    const { extensions, failure, phase, sentAt, terms } = row;
    this.#evidence.hold('I10', extensions <= most, () => `the deadline of ${id} moved ${extensions} times`);
    if (before?.phase === 'failed' || failure === null || phase !== 'failed' || sentAt === null) return;
    if (this.#evidence.doubled.has(id) || !SILENCE.has(failure.reason) || extensions >= most) return;
    const had = this.#evidence.served(sentAt);
    const least = terms.applyTimeout - 2 * SECOND;
    this.#evidence.hold(
      'I10',
      had >= least,
      () => `${id} failed by ${failure.reason} after ${had} ms in which we served, of ${least}`,
    );
  }

  /** I11: proven is only whose collector ran it, by its own record, when it said what the server heard last. */
  #checkProof(id: fleet.AgentId, row: fleet.LedgerEntry): void {
    const { world, provenOnce, doubled } = this.#evidence;
    provenOnce.add(`${id} ${row.generation}`);
    const { capabilities = 0 } = world.database.identities.get(id) ?? {};
    const [agent, ...twins] = this.#evidence.agentsOf(id);
    if (agent === undefined || twins.length > 0 || doubled.has(id)) return;
    const { heardAs } = agent;
    const reportsHealth = (capabilities & fleet.Capability.ReportsHealth) !== 0;
    const shows = ({ runs, healthy }: Moment) => runs === row.revision.hash && (healthy || !reportsHealth);
    // What was heard last may be newer than this proof, which a slow disk has written only now.
    const last = heardAs.findLast(({ heardAt }) => world.timeline.now - heardAt >= 10 * SECOND);
    const isTrue = heardAs.some((moment) => shows(moment) && moment.at >= (last?.at ?? 0));
    this.#evidence.hold('I11', isTrue, () => `called proven on ${short(row.revision.hash)}: ${agent.describe()}`);
  }

  /** I7: what an agent should run changes by those who may change it, and the log says so. */
  assigned(changes: readonly Change[]): void {
    const { database } = this.#evidence.world;
    for (const change of changes) {
      if (change.kind !== 'ledger' || database.ledgers.get(change.id)?.has(change.row.generation)) continue;
      const { id, row } = change;
      if (row.source.kind === 'catch-up')
        this.#evidence.laneWhenGiven.set(`${id} ${row.generation}`, this.#evidence.laneOf(row.source.group));
      this.#evidence.hold(
        'I7',
        this.#isLawful(change, changes),
        () => `${id} should run ${short(row.revision.hash)} by ${JSON.stringify(row.source)}: nothing says why`,
      );
    }
  }

  #isLawful({ id, row }: LedgerChange, changes: readonly Change[]): boolean {
    const { source, revision } = row;
    const said = (kind: string): boolean =>
      changes.some(
        (change) => change.kind === 'event' && change.row.kind === kind && change.row.subject === `agent/${id}`,
      );
    const events = changes.flatMap((change) => (change.kind === 'rollout-log' ? [change.row] : []));
    switch (source.kind) {
      case 'pin':
        return said('agent.pinned');
      case 'retry':
        return (
          said('agent.retried') || events.some(({ event }) => event.type === 'retried' && event.agents.includes(id))
        );
      case 'rollback':
        return events.some(
          ({ rollout, event }) =>
            rollout === source.rollout &&
            event.type === 'reverting' &&
            event.agents.some(({ agent, to }) => agent === id && to?.hash === revision.hash),
        );
      case 'catch-up':
        return this.#isStable(source.group, revision.hash, changes) && !this.#isKept(id, row);
      case 'rollout': {
        const rollout = this.#evidence.folds.get(source.rollout);
        return rollout?.target.hash === revision.hash && rollout.targets.has(id);
      }
    }
  }

  /** What it was left with holds until somebody takes that from it, as a move to another group does: that has a generation of its own. */
  #isKept(id: fleet.AgentId, { generation, source }: fleet.LedgerEntry): boolean {
    const before = this.#evidence.world.database.ledgerOf(id);
    if (source.kind !== 'catch-up' || before?.generation !== generation - 1) return false;
    return this.#evidence.isLeft(id, source.group);
  }

  #isStable(group: string, hash: string, changes: readonly Change[]): boolean {
    const becomes = changes.some(
      (each) => each.kind === 'group' && each.row.name === group && each.row.stable?.hash === hash,
    );
    return becomes || this.#evidence.world.database.groups.get(group)?.stable?.hash === hash;
  }
}

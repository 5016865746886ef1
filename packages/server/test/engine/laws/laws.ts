/**
 * The laws (I1 to I16 of SPEC.md in `fleet/rollouts`), watched while the world runs: at each byte that leaves, at each transaction that becomes
 * durable, at each start and at the end. What agents did is taken from their own records, never from ours (R28).
 */
import type { AgentRemoteConfig, RemoteConfigStatus } from '@flaghoist/opamp';
import type { Change } from '../../../src/storage/store.ts';
import type { SimulatedAgent } from '../agent/agent.ts';
import type { HttpExchange, WebSocketLink } from '../network.ts';
import type { Plane } from '../plane.ts';
import type { World } from '../world.ts';
import { Ending } from './ending.ts';
import { EnvironmentLaws } from './environment.ts';
import { Evidence, type Violation } from './evidence.ts';
import { FailureLaws } from './failures.ts';
import { LedgerLaws } from './ledgers.ts';
import { OfferLaws } from './offers.ts';
import { Refusals } from './refusals.ts';
import { Returns } from './returns.ts';
import { RolloutLaws } from './rollouts.ts';
import { RowLaws } from './rows.ts';
import { TravelLaws } from './travel.ts';

/** Tells those that watch a kind of thing of what happens. */
export class Laws {
  readonly #evidence: Evidence;
  readonly #refusals: Refusals;
  readonly #offers: OfferLaws;
  readonly #returns: Returns;
  readonly #travel: TravelLaws;
  readonly #failures: FailureLaws;
  readonly #rollouts: RolloutLaws;
  readonly #ledgers: LedgerLaws;
  readonly #rows: RowLaws;
  readonly #ending: Ending;

  constructor(world: World) {
    this.#evidence = new Evidence(world);
    this.#refusals = new Refusals(this.#evidence);
    this.#offers = new OfferLaws(this.#evidence, this.#refusals);
    this.#returns = new Returns(this.#evidence);
    this.#travel = new TravelLaws(this.#evidence);
    this.#failures = new FailureLaws(this.#evidence);
    this.#rollouts = new RolloutLaws(this.#evidence, {
      refusals: this.#refusals,
      returns: this.#returns,
      travel: this.#travel,
      failures: this.#failures,
      environment: new EnvironmentLaws(this.#evidence),
    });
    this.#ledgers = new LedgerLaws(this.#evidence);
    this.#rows = new RowLaws(this.#evidence);
    this.#ending = new Ending(this.#evidence, this.#failures);
  }

  get violation(): Violation | undefined {
    return this.#evidence.violation;
  }

  /** Rollouts as their durable logs tell them. */
  get folds(): Evidence['folds'] {
    return this.#evidence.folds;
  }

  broken(law: string, message: string): void {
    this.#evidence.broken(law, message);
  }

  idOf(uid: string) {
    return this.#evidence.idOf(uid);
  }

  /** A configuration leaves for an agent. */
  offered(over: WebSocketLink | HttpExchange, uid: Uint8Array, config: AgentRemoteConfig): void {
    this.#offers.offered(over, uid, config);
  }

  /** An agent takes up a configuration that it was sent. */
  taken(agent: SimulatedAgent, hash: string): void {
    this.#returns.taken(agent, hash);
  }

  /** An agent is told that it is not the only one of that uid: the record of it is of two from now on, whoever keeps it. */
  renamed(uid: string): void {
    const id = this.#evidence.idOf(uid);
    if (id !== undefined) this.#evidence.doubled.add(id);
  }

  /** A process hears a status. */
  heard(connection: WebSocketLink | HttpExchange, uid: string, status: RemoteConfigStatus): void {
    this.#refusals.heard(connection, uid, status);
  }

  /** A process asks for a transaction. */
  asked(plane: Plane, changes: readonly Change[]): void {
    this.#refusals.asked(plane, changes);
  }

  /** A process ends. */
  ended(plane: Plane): void {
    this.#refusals.ended(plane);
  }

  /** A transaction is about to become durable. */
  writing(changes: readonly Change[]): void {
    this.#evidence.writing = changes;
    for (const change of changes) {
      if (change.kind === 'ledger') this.#ledgers.written(change);
      if (change.kind === 'event' && change.row.kind === 'agent.conflict')
        this.#evidence.doubled.add(change.row.subject.replace('agent/', ''));
      if (change.kind === 'agent-deleted') this.#evidence.deleting(change.id, changes);
      if (change.kind === 'rollout-log') this.#rollouts.happens(change.row);
      if (change.kind === 'rollout') this.#rollouts.summarised(change.row);
    }
    this.#ledgers.assigned(changes);
    this.#refusals.remember(changes);
  }

  /** A transaction has become durable. */
  written(changes: readonly Change[]): void {
    this.#rows.written(changes);
  }

  /** A process reads what it finds. */
  checkRows(): void {
    this.#rows.found();
  }

  /** An older copy of the database was put back. */
  travelled(): void {
    this.#evidence.travel();
    this.#refusals.travel();
    this.#returns.travel();
    this.#travel.travel();
    this.#rollouts.travel();
    this.#failures.travel();
  }

  /** Some time has passed. */
  look(): void {
    this.#failures.look();
  }

  isQuiet(): boolean {
    return this.#ending.isQuiet();
  }

  checkEnd(): void {
    this.#rows.found();
    this.#ending.check();
  }
}

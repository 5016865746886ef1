/** Every failpoint by name. One that is missing, or is none, does not compile. */
import type { RolloutEvent } from '@flaghoist/fleet';
import type { Failpoint, Passage } from '../../src/failpoints.ts';

const ROLLOUT_EVENTS: Readonly<Record<RolloutEvent['type'], true>> = {
  started: true,
  admitted: true,
  observed: true,
  soaking: true,
  advanced: true,
  paused: true,
  resumed: true,
  promoted: true,
  succeeded: true,
  'rollback-started': true,
  reverting: true,
  hurried: true,
  'rolled-back': true,
  stopped: true,
  retried: true,
  superseded: true,
};

const PASSAGES: Readonly<Record<Passage, true>> = {
  load: true,
  message: true,
  turn: true,
  release: true,
  offer: true,
  fence: true,
  commit: true,
  witness: true,
  'lease.take': true,
  'lease.renew': true,
  'lease.give-up': true,
  'row.configuration': true,
  'row.configuration-deleted': true,
  'row.revision': true,
  'row.strategy': true,
  'row.strategy-deleted': true,
  'row.group': true,
  'row.group-deleted': true,
  'row.agent-identity': true,
  'row.agent-report': true,
  'row.agent-assignment': true,
  'row.ledger': true,
  'row.agent-deleted': true,
  'row.text': true,
  'row.rollout': true,
  'row.rollout-log': true,
  'row.event': true,
  'row.alert': true,
  'row.webhook': true,
  'row.webhook-deleted': true,
  'row.delivery': true,
  'row.delivery-deleted': true,
  'row.mark': true,
  'row.idempotency': true,
};

const names = <T extends string>(record: Readonly<Record<T, true>>): T[] => Object.keys(record) as T[];

export const FAILPOINTS: readonly Failpoint[] = [
  ...names(PASSAGES).flatMap((name): Failpoint[] => [`${name}.before`, `${name}.after`]),
  ...names(ROLLOUT_EVENTS).flatMap((type): Failpoint[] => [
    `rollout.${type}.before-commit`,
    `rollout.${type}.after-commit`,
  ]),
];

/**
 * Changes as they cross to the writing thread: what each one's writer takes, rows as JSON. Text crosses threads as a copy
 * of its bytes, where a tree of objects costs the main thread several times its JSON.
 */
import type { Change } from './store.ts';
import type { Writers, WrittenChange } from './writer.ts';

type Kind = Change['kind'];
type Of<K extends Kind> = Extract<Change, { kind: K }>;

const json = JSON.stringify;

/** A kind without columns, or with others than its writer takes, does not compile. */
const COLUMNS: { readonly [K in Kind]: (change: Of<K>) => Parameters<Writers[K]> } = {
  configuration: ({ row }) => [row.name, json(row)],
  'configuration-deleted': ({ name }) => [name],
  revision: ({ row, files }) => [row.configuration, row.number, json(row), row.hash, json(files)],
  strategy: ({ row }) => [row.name, json(row)],
  'strategy-deleted': ({ name }) => [name],
  group: ({ row }) => [row.name, json(row)],
  'group-deleted': ({ name }) => [name],
  'agent-identity': ({ row }) => [row.id, row.instanceUid, json(row)],
  'agent-report': ({ id, row }) => [id, json(row)],
  'agent-assignment': ({ id, row }) => [id, row.generation, json(row)],
  ledger: ({ id, row }) => [id, row.generation, json(row)],
  'agent-deleted': ({ id }) => [id],
  text: ({ digest, body }) => [digest, body],
  rollout: ({ row }) => [row.id, row.createdAt, row.version, json(row)],
  'rollout-log': ({ row }) => [row.rollout, row.version, json(row)],
  event: ({ row }) => [row.seq, row.subject, json(row)],
  alert: ({ row }) => [row.id, row.raisedAt, json(row)],
  webhook: ({ row }) => [row.name, json(row)],
  'webhook-deleted': ({ name }) => [name],
  delivery: ({ row }) => [row.id, row.webhook, row.event, json(row)],
  'delivery-deleted': ({ id }) => [id],
  mark: ({ name, value }) => [name, value],
  idempotency: ({ key, at, answer }) => [key, at, json(answer)],
};

export function written(change: Change): WrittenChange {
  const columns = COLUMNS[change.kind] as (change: Change) => unknown[];
  return [change.kind, ...columns(change)];
}

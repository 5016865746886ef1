/** The embedded store: SQLite in a data directory, one thread that writes and one that reads. */
import { hostname } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Agent, type AgentIdentity, newAgent, type RevisionRef } from '@flaghoist/fleet';
import { aroundCommit } from '../failpoints.ts';
import { STORE_LIMITS } from '../limits.ts';
import { written } from './columns.ts';
import type { ReadOperations } from './reader.ts';
import { asStoreError } from './sqlite-error.ts';
import { startThread } from './sqlite-thread.ts';
import type { Store } from './store.ts';
import { writeQueue } from './write-queue.ts';
import type { WriteOperations } from './writer.ts';

/** What is not stored yet is as with a new agent. Agents share what many have alike: the list of components, revisions. */
function agentDecoder(): (facets: string) => Agent {
  const builds = new Map<string, AgentIdentity['components']>();
  const revisions = new Map<string, RevisionRef>();
  const shared = (ref: RevisionRef): RevisionRef => {
    const known = revisions.get(ref.hash) ?? ref;
    revisions.set(ref.hash, known);
    return isDeepStrictEqual(known, ref) ? known : ref;
  };
  return (facets) => {
    const fresh = newAgent('', '', 0);
    const stored: Partial<Agent> = JSON.parse(facets);
    const agent = { ...fresh, ...stored, assignment: { ...fresh.assignment, ...stored.assignment } };
    agent.assignment.proven = agent.assignment.proven.map(shared);
    if (agent.ledger !== null) agent.ledger = { ...agent.ledger, revision: shared(agent.ledger.revision) };
    const { components } = agent.identity;
    if (components === null) return agent;
    const known = builds.get(components.hash) ?? components;
    builds.set(components.hash, known);
    if (!isDeepStrictEqual(known, components)) return agent;
    return { ...agent, identity: { ...agent.identity, components: known } };
  };
}

export interface SqliteOptions {
  readonly directory: string;
  /**
   * Lets other servers use the directory, of which one leads at a time. Without it the directory is held alone, and the
   * lease is had from the start.
   */
  readonly shared?: boolean | undefined;
  /** How long the lease lasts, ms; the same for all who share. */
  readonly leaseTime?: number | undefined;
}

/**
 * Makes the directory, with all files for this user only, when it is missing.
 * @throws StoreError `locked`, `too-new`, `unsupported-sqlite`, `corrupt`, or `unavailable` when files cannot be used.
 */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  const { shared = false, leaseTime = STORE_LIMITS.leaseTime } = options;
  const directory = path.resolve(options.directory);
  const start = { directory, shared, leaseTime, holder: `${hostname()}, process ${process.pid}` };
  await using opened = new AsyncDisposableStack();
  const writer = opened.use(await startThread<WriteOperations>({ ...start, role: 'writer' }));
  const reader = opened.use(await startThread<ReadOperations>({ ...start, role: 'reader' }));
  const writes = writeQueue((changes) => writer.commit(changes.map(written)));
  const threads = opened.move();
  /** By our own clock, which goes on while the process is stopped. */
  let leadsUntil = shared ? 0 : Number.POSITIVE_INFINITY;

  return {
    ...reader,
    async lead() {
      const asked = performance.now();
      const other = await writes.run(() => writer.lead());
      if (other === null && shared) leadsUntil = asked + leaseTime;
      return other;
    },
    leads: () => performance.now() < leadsUntil,
    async load() {
      const { agents, ...rows } = await reader.load();
      try {
        return { ...rows, agents: agents.map(agentDecoder()) };
      } catch (error) {
        throw asStoreError(error, directory);
      }
    },
    commit: aroundCommit((changes) => writes.commit(changes)),
    async trim(keep) {
      for (;;) {
        const firstEvent = await writes.run(() => writer.trim(keep));
        if (firstEvent !== null) return firstEvent;
      }
    },
    async [Symbol.asyncDispose]() {
      // After a failure nothing is written any more; the lease then runs out.
      await writes.run(() => writer.giveUp()).catch(() => {});
      await threads.disposeAsync();
    },
  };
}

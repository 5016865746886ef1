// What several test files wait for.
import { expect } from 'vitest';
import type { AgentDetail, LedgerEntryView, SavedRevision } from '../../packages/api/src/index.ts';
import type { Api } from './api.ts';
import type { Server } from './server.ts';
import type { Supervisor } from './supervisor.ts';
import { until } from './until.ts';

/** Waits until the server knows the Supervisor, is connected to it, and has heard that its Collector is healthy. */
export function connected(server: Server, supervisor: Supervisor): Promise<AgentDetail> {
  return until(
    `${supervisor.name} is connected and healthy`,
    async () => {
      const agent = await server.api.agent(supervisor.uid);
      return agent.connected && agent.health?.healthy && agent;
    },
    { timeoutMs: 60_000 },
  );
}

/** Waits until the server says that the agent runs this revision. Every answer on the way has to be the truth. */
export function proven(
  server: Server,
  supervisor: Supervisor,
  revision: SavedRevision,
  timeoutMs = 45_000,
): Promise<AgentDetail> {
  return until(
    `${supervisor.name} is proven to run revision ${revision.number}`,
    async () => {
      const agent = await truthful(server.api, supervisor, revision);
      return agent.desired?.hash === revision.hash && agent.sync === 'in-sync' && agent;
    },
    { timeoutMs },
  );
}

/**
 * The agent as the API tells it. Fails when the API says "applied" of a revision before the Supervisor has said so to
 * itself: it writes each status to its disk before it sends it.
 */
async function truthful(api: Api, supervisor: Supervisor, revision: SavedRevision): Promise<AgentDetail> {
  const agent = await api.agent(supervisor.uid);
  const saysApplied = agent.reported?.status === 'APPLIED' && agent.reported.hash === revision.hash;
  const saysInSync = agent.sync === 'in-sync' && agent.desired?.hash === revision.hash;
  if (saysApplied || saysInSync) {
    expect(supervisor.persisted()).toEqual({ hash: revision.hash, status: 'APPLIED' });
  }
  return agent;
}

/** Waits until the server says that the agent has failed at this revision. */
export function failed(server: Server, supervisor: Supervisor, revision: SavedRevision): Promise<AgentDetail> {
  return until(`${supervisor.name} has failed at revision ${revision.number}`, async () => {
    const agent = await server.api.agent(supervisor.uid);
    return ledgerOf(agent, revision)?.phase === 'failed' && agent;
  });
}

/** What the ledger says of this agent and the hash of this revision. */
export function ledgerOf(agent: AgentDetail, { hash }: SavedRevision): LedgerEntryView | undefined {
  return agent.ledger.find(({ revision }) => revision.hash === hash);
}

/** What must hold at the end of the demo, judged from the server's answers and from the agents' own records. */
import type { AgentRecord } from '@flaghoist/simulator';

/** As the command line gives them; only what is looked at. */
export interface AgentRow {
  readonly instanceUid: string;
  readonly name: string;
  readonly group: string | null;
  readonly state: string;
  readonly reason: string;
  readonly desired: { readonly hash: string } | null;
}
export interface RolloutRow {
  readonly id: string;
  readonly group: string;
  readonly state: string;
  readonly target: { readonly configuration: string; readonly hash: string; readonly revision: number };
  readonly counts: Readonly<Record<string, number>>;
}

export interface Outcome {
  readonly agents: readonly AgentRow[];
  readonly rollouts: readonly RolloutRow[];
  readonly records: readonly AgentRecord[];
  /** Hashes of the two revisions. */
  readonly first: string;
  readonly second: string;
}

export interface Expectation {
  readonly text: string;
  readonly holds: boolean;
}

const failedOn = (record: AgentRecord, hash: string): boolean =>
  record.statuses.some((status) => status.hash === hash && status.status === 'FAILED');

export function expectations({ agents, rollouts, records, first, second }: Outcome): Expectation[] {
  const of = (group: string, hash: string) =>
    rollouts.find((rollout) => rollout.group === group && rollout.target.hash === hash);
  const recordOf = new Map(records.map((record) => [record.uid.replaceAll('-', ''), record]));
  const inSync = agents.filter(({ state }) => state === 'in-sync');
  const kind = (behaviour: string) =>
    agents.filter(({ instanceUid }) => recordOf.get(instanceUid)?.behaviour === behaviour);
  const states = (behaviour: string) => new Set(kind(behaviour).map(({ state }) => state));
  const only = (behaviour: string, ...allowed: string[]) =>
    [...states(behaviour)].every((state) => allowed.includes(state));
  return [
    {
      text: 'the first revision succeeded in every group',
      holds: ['edge', 'gateway', 'payments'].every((group) => of(group, first)?.state === 'succeeded'),
    },
    {
      text: 'the second one succeeded in edge, with 2 failures, and in gateway, with none',
      holds:
        of('edge', second)?.state === 'succeeded' &&
        of('edge', second)?.counts['failed'] === 2 &&
        of('gateway', second)?.state === 'succeeded' &&
        of('gateway', second)?.counts['failed'] === 0,
    },
    {
      text: 'it paused itself in payments, where more failed than was allowed',
      holds: of('payments', second)?.state === 'paused',
    },
    {
      text: 'every agent that is called in-sync really runs what it should',
      holds:
        inSync.length > 200 &&
        inSync.every(({ instanceUid, desired }) => recordOf.get(instanceUid)?.running === desired?.hash),
    },
    {
      text: 'no agent was offered a revision again that it had refused',
      holds: records.every((record) => !failedOn(record, second) || record.timesOffered[second] === 1),
    },
    {
      text: 'the agents that refused are shown as failed, in their own words',
      holds:
        kind('reject')
          .filter(({ state }) => state === 'failed')
          .every(({ reason }) => reason.includes('no route to host')) && states('reject').has('failed'),
    },
    {
      text: 'nobody who crashed or rolled back is called in-sync with the second revision',
      holds: [...kind('crash'), ...kind('rollback'), ...kind('liar')].every(
        ({ state, desired }) => state !== 'in-sync' || desired?.hash === first,
      ),
    },
    {
      text: 'the agent that accepts no remote configuration was offered nothing',
      holds: records
        .filter(({ behaviour }) => behaviour === 'no-remote-config')
        .every(({ offers }) => offers.length === 0),
    },
    {
      text: 'the two agents that had one instance uid are two agents now',
      holds: kind('clone').length === 2 && only('clone', 'in-sync'),
    },
    {
      text: 'the one that came late got what its group runs',
      holds: only('offline-until', 'in-sync') && kind('offline-until').length === 1,
    },
  ];
}

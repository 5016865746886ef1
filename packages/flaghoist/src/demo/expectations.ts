import type { Agent, Rollout } from '@flaghoist/api';
import type { AgentRecord } from '@flaghoist/simulator';

/** How things are, as the server tells it and as the simulated agents saw it. */
export interface Outcome {
  readonly agents: readonly Agent[];
  readonly rollouts: readonly Rollout[];
  readonly records: readonly AgentRecord[];
  /** How many agents are real ones: no record tells of them. */
  readonly real: number;
}

/** What must hold at the end of the demo, and whether it does. */
export function expectations({ agents, rollouts, records, real }: Outcome): Readonly<Record<string, boolean>> {
  const to = (revision: number) => rollouts.filter(({ target }) => target.revision === revision);
  const [first, second, third] = [1, 2, 3].map((revision) => to(revision)[0]?.target.hash);
  const outcomes = to(2).map(({ group, state, spent }) => `${group} ${state}, ${spent.failed} failed`);

  const recordOf = new Map(records.map((record) => [record.uid.replaceAll('-', ''), record]));
  const known = agents.map((agent) => ({ ...agent, record: recordOf.get(agent.instanceUid) }));
  const inSync = known.filter(({ state }) => state === 'in-sync');
  const behaving = (...kinds: string[]) => known.filter(({ record }) => kinds.includes(record?.behaviour ?? 'real'));
  const allInSync = (kind: string, count: number): boolean =>
    behaving(kind).length === count && behaving(kind).every((agent) => inSync.includes(agent));
  const refusing = behaving('reject').filter(({ state }) => state === 'failed' || state === 'rolled-back');
  const refused = ({ statuses }: AgentRecord) =>
    statuses.some(({ hash, status }) => hash === second && status === 'FAILED');

  return {
    'nothing is under way any more': known.every(({ state }) => state !== 'updating'),
    'the first revision succeeded in every group': to(1).filter(({ state }) => state === 'succeeded').length === 3,
    'the second one succeeded in edge, with 2 failures, and in gateway, with none':
      outcomes.includes('edge succeeded, 2 failed') && outcomes.includes('gateway succeeded, 0 failed'),
    'it took itself back in payments, where more failed than was allowed': to(2).some(
      ({ group, state }) => group === 'payments' && state === 'rolled-back',
    ),
    'every agent of payments runs the first revision again': known
      .filter(({ group }) => group === 'payments')
      .every(({ record }) => record?.running === first),
    'the misspelt one was taken back': to(3).some(({ state }) => state === 'rolled-back'),
    'nobody but the canary ever got it':
      third !== undefined && records.filter(({ timesOffered }) => (timesOffered[third] ?? 0) > 0).length <= 3,
    'every agent that is called in-sync really runs what it should':
      inSync.length > 200 &&
      inSync.every(({ record, desired }) => (record ? record.running === desired?.hash : real > 0)),
    'no agent was offered a revision again that it had refused': records
      .filter(refused)
      .every(({ timesOffered }) => timesOffered[second ?? ''] === 1),
    'the agents that refused are shown as such, in their own words':
      refusing.length > 0 && refusing.every(({ reason }) => reason.includes('no route to host')),
    'nobody who crashed, rolled back or lied is called in-sync with the second revision': behaving(
      'crash',
      'rollback',
      'liar',
    ).every((agent) => !inSync.includes(agent) || agent.desired?.hash === first),
    'the agent that accepts no remote configuration was offered nothing': behaving('no-remote-config').every(
      ({ record }) => record?.offers.length === 0,
    ),
    'the two agents that had one instance uid are two agents now': allInSync('clone', 2),
    'the one that came late got what its group runs': allInSync('offline-until', 1),
    ...(real > 0 && { 'the real ones run what their group runs': allInSync('real', real) }),
  };
}

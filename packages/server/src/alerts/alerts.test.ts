/** What it costs to look on: 10,000 agents that fail, without anything else of the server. */
import { type Alert, LIMITS } from '@flaghoist/fleet';
import { expect, test } from 'vitest';
import { assigned, entry, presence } from '../../../fleet/test/samples.ts';
import { Roster } from '../agents/roster.ts';
import { MACHINE } from '../clock.ts';
import { Journal } from '../events/journal.ts';
import { Groups } from '../groups/groups.ts';
import { Rollouts } from '../rollouts/rollouts.ts';
import type { Change } from '../storage/store.ts';
import { Alerts } from './alerts.ts';

const AGENTS = 10_000;
const store = { events: async () => [], trim: async () => 0 };
const PER_TURN = 250;
/** CPU time of this thread, ms: others may be at work on the same machine. */
const cpu = (): number => process.threadCpuUsage().user / 1_000;

function fleetOf(words: (index: number) => string) {
  let now = 1_000_000;
  const journal = new Journal(store, { firstEvent: 1, lastEvent: 0 }, () => now);
  const agents = Array.from({ length: AGENTS }, (_, index) => {
    const failure = { reason: 'agent-failed', message: words(index), at: now } as const;
    const agent = assigned(entry('failed', { failure, source: { kind: 'pin' } }), { reported: null });
    const instanceUid = index.toString(16).padStart(32, '0');
    return { ...agent, identity: { ...agent.identity, id: `a-${index}`, instanceUid } };
  });
  const healthy = agents.map((agent) => ({ ...agent, ledger: null, assignment: { ...agent.assignment, refused: [] } }));
  const roster = new Roster(healthy, MACHINE);
  const groups = new Groups([], journal);
  const rollouts = new Rollouts({ roster, groups, journal }, 0);
  const alerts = new Alerts({ roster, groups, rollouts, journal, machine: MACHINE }, [], now);
  alerts.tell(now);
  return {
    journal,
    roster,
    alerts,
    agents,
    pass: (millis: number) => {
      now += millis;
      return now;
    },
  };
}

test.each([
  ['the same words', () => 'unknown type: "otlpp"'],
  ['words of its own each', (index: number) => `listen tcp :${index}: bind: address already in use`],
])('10,000 agents that fail with %s: one alert, few words, and no time of the turns', (_, words) => {
  const { journal, roster, alerts, agents, pass } = fleetOf(words);
  const changes: Change[] = [];
  const spent = { observe: 0, tell: 0, mostTell: 0 };
  const members = [...roster.all()];
  for (let turn = 0; turn * PER_TURN < AGENTS; turn += 1) {
    const touched = members.slice(turn * PER_TURN, (turn + 1) * PER_TURN);
    for (const [index, member] of touched.entries()) {
      roster.update(member, agents[turn * PER_TURN + index] ?? member.agent);
      roster.present(member, presence());
    }
    let since = cpu();
    for (const member of touched) alerts.observe(member);
    spent.observe += cpu() - since;
    since = cpu();
    alerts.tell(pass(200));
    const took = cpu() - since;
    spent.tell += took;
    spent.mostTell = Math.max(spent.mostTell, took);
    changes.push(...journal.take());
  }
  alerts.tell(pass(LIMITS.alertSlowPace));
  changes.push(...journal.take());
  const rows = changes.flatMap((change) => (change.kind === 'alert' ? [change.row] : []));
  const events = changes.filter(({ kind }) => kind === 'event');
  expect(new Set(rows.map(({ id }: Alert) => id)).size).toBe(1);
  expect(rows.at(-1)).toMatchObject({ count: AGENTS, remaining: AGENTS, kind: 'config-failed' });
  expect(rows.length).toBe(events.length);
  expect(rows.length).toBeLessThan(20);
  const perAgent = (spent.observe / AGENTS) * 1_000;
  console.log(
    `${rows.length} rows and events; noted in ${perAgent.toFixed(2)} µs each (${((perAgent * PER_TURN) / 1_000).toFixed(2)} ms ` +
      `a turn of ${PER_TURN}), told in ${spent.tell.toFixed(0)} ms in all, ${spent.mostTell.toFixed(1)} ms at most`,
  );
  // Of a turn, which may take 4 ms and more.
  expect(perAgent).toBeLessThan(20);
});

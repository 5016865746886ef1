/** What the functions of the hot paths cost for a fleet of 10,000. The bounds are loose: they catch a wrong order of growth. */
import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { A, agent, assigned, B, entry, presence, reported, T0 } from '../test/samples.ts';
import type { Agent } from './agents/agent.ts';
import { labelsOf } from './agents/labels.ts';
import { assess } from './convergence/assess.ts';
import { withLedger } from './convergence/assignment.ts';
import { PHASES } from './convergence/ledger.ts';
import { decideOffer } from './convergence/pull-law.ts';
import { standing } from './convergence/sync.ts';
import { grouping } from './groups/group.ts';
import { lane } from './rollouts/catch-up.ts';
import { planRollout } from './rollouts/plan.ts';
import type { RolloutEvent } from './rollouts/rollout.ts';
import { strategyNamed, withOverrides } from './rollouts/strategy.ts';
import { fold, step } from './rollouts/transitions.ts';

const FLEET = 10_000;
const MOST_MILLIS = 500;

const agents: Agent[] = Array.from({ length: FLEET }, (_, n) => {
  const phase = PHASES[n % PHASES.length] ?? 'proven';
  const base = assigned(entry(phase), { reported: reported(n % 2 === 0 ? A : B, 'APPLIED', T0) });
  return {
    ...base,
    identity: {
      ...base.identity,
      id: `a-${n}`,
      identifying: {
        'service.name': 'otelcol',
        'service.instance.id': `i-${n}`,
        'service.version': '0.149.0',
      },
      nonIdentifying: {
        'host.name': `web-${n}`,
        'os.type': 'linux',
        'host.arch': 'amd64',
        region: n % 3 === 0 ? 'eu' : 'us',
      },
      operatorLabels: { role: 'edge' },
    },
  };
});
const there = presence({ lastSeen: T0 + 1_000 });
const groupOf = grouping(
  Array.from({ length: 20 }, (_, n) => ({
    name: `g-${n}`,
    selector: n === 19 ? 'role in (edge,core),region=us' : `team=t-${n},!retired`,
    priority: 100 - n,
    configuration: 'edge',
    strategy: 'all-at-once',
    stable: null,
    previous: [],
    condemned: [],
    createdAt: T0,
  })),
);

const each: Readonly<Record<string, (agent: Agent) => unknown>> = {
  labelsOf: ({ identity }) => labelsOf(identity),
  'groupOf, 20 groups': ({ identity }) => groupOf({ ...identity }),
  standing: (one) => standing(one, there),
  decideOffer: (one) => decideOffer(one, there, T0 + 1_000),
  assess: (one) => assess(one, there, T0 + 1_000),
  'assess and withLedger': (one) => withLedger(one, assess(one, there, T0 + 1_000)),
};

/** The best of five rounds: this machine does other work too. */
function millis(run: () => void): number {
  const rounds = Array.from({ length: 5 }, () => {
    const began = performance.now();
    run();
    return performance.now() - began;
  });
  return Math.min(...rounds);
}

test.each(Object.entries(each))('%s for 10,000 agents', (name, run) => {
  const took = millis(() => {
    for (const one of agents) run(one);
  });
  console.log(`${name}: ${took.toFixed(1)} ms for ${FLEET} agents`);
  expect(took).toBeLessThan(MOST_MILLIS);
});

test('a rollout over 10,000 agents: plan, lane, batches, fold', () => {
  const request = {
    id: 'r',
    group: 'edge',
    target: B,
    from: A,
    strategy: withOverrides(strategyNamed('all-at-once'), { maxInFlight: { count: 250 } }),
    author: '',
    message: '',
    supersedes: null,
    parent: null,
    takesBack: null,
    seed: 's',
  };
  const fresh = Array.from({ length: FLEET }, (_, n) => agent(`a-${n}`));
  const members = fresh.map((one) => ({ agent: one, presence: there }));
  const rank = (seed: string, id: string) => hash('sha256', `${seed} ${id}`);
  const plan = () => planRollout(request, members, rank, (text) => hash('sha256', text)).header;
  const planned = millis(() => void plan());
  const counted = millis(() => void lane(agents, FLEET, B));
  const log: { event: RolloutEvent; at: number }[] = [{ event: { type: 'started', header: plan() }, at: T0 }];
  // As the server does it: what a turn learnt of 250 agents is one event.
  for (let from = 0; from < FLEET; from += 250) {
    const ids = fresh.slice(from, from + 250).map(({ identity }) => identity.id);
    log.push({ event: { type: 'admitted', agents: ids.map((id) => ({ agent: id, late: false })) }, at: T0 });
    for (const state of ['sent', 'applying', 'verifying', 'proven'] as const) {
      const changes = ids.map((id) => ({ agent: id, state, reason: null, message: '' }));
      log.push({ event: { type: 'observed', changes }, at: T0 });
    }
  }
  const folded = millis(() => void fold(log));
  const rollout = fold(log);
  const single = millis(
    () =>
      void step(
        rollout,
        {
          type: 'observed',
          changes: [{ agent: 'a-1', state: 'failed', reason: 'agent-failed', message: '' }],
        },
        T0,
      ),
  );
  console.log(
    `rollout over ${FLEET}: plan ${planned.toFixed(1)} ms, lane ${counted.toFixed(1)} ms, fold of ${log.length} events ${folded.toFixed(0)} ms, one more event ${single.toFixed(2)} ms`,
  );
  expect(rollout?.counts.proven).toBe(FLEET);
  expect(folded).toBeLessThan(4 * MOST_MILLIS);
});

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BEHAVIOURS } from './behaviour.ts';
import { plan } from './plan.ts';
import { parseScenario, scenario } from './scenario.ts';

describe('a scenario file', () => {
  test('may be empty', () => {
    expect(parseScenario('')).toMatchObject({
      seed: 1,
      heartbeat: 30_000,
      applyTimeout: 5_000,
      restartTime: [500, 2_000],
      timeScale: 1,
      groups: [{ name: 'agent', count: 100, transport: 'websocket', behaviours: [] }],
    });
  });

  test('says everything', () => {
    const text = `
seed: 42
agents: 100
transport: http
heartbeat: 500ms
restartTime: 1s..3s
timeScale: 0.1
groups:
  - { name: edge, labels: { region: eu, tier: 1 }, effectiveConfigSize: 20KiB, validateConfig: true }
  - name: gateway
    count: 30
    transport: websocket
    config: "receivers: { otlp: {} }"
    behaviours:
      - { kind: crash, share: 0.5, component: otlp/secondary, after: 1.5m }
`;
    expect(parseScenario(text)).toMatchObject({
      seed: 42,
      heartbeat: 500,
      restartTime: [1_000, 3_000],
      groups: [
        {
          name: 'edge',
          count: 70,
          transport: 'http',
          labels: { region: 'eu', tier: '1' },
          effectiveConfigSize: 20_480,
        },
        {
          name: 'gateway',
          transport: 'websocket',
          behaviours: [{ share: 0.5, behaviour: { kind: 'crash', component: 'otlp/secondary', after: 90_000 } }],
        },
      ],
    });
  });

  test.each([
    [{ agent: 3 }, 'agent: is not known; allowed are seed, agents, transport'],
    [{ agents: 0 }, 'agents: is 0; write a whole number from 1 to'],
    [{ transport: 'udp' }, 'transport: is "udp"; allowed are websocket, http, mixed'],
    [{ heartbeat: 'soon' }, 'heartbeat: is "soon"; write a duration such as 500ms'],
    [{ restartTime: '2s..1s' }, 'restartTime: is "2s..1s"; write the shorter duration first'],
    [{ heartbeat: '0s', transport: 'http' }, 'heartbeat: is 0; agents over HTTP need an interval'],
    [{ groups: [] }, 'groups: is empty'],
    [{ groups: [{ name: 'a' }, { name: 'a' }] }, 'groups[1].name: is taken by another group'],
    [{ groups: [{ name: 'Edge' }] }, 'groups[0].name: is "Edge"; write a name of lowercase letters'],
    [{ agents: 5, groups: [{ count: 4 }] }, 'agents: is 5, but the groups count 4'],
    [{ groups: [{ effectiveConfigSize: '1GiB' }] }, 'groups[0].effectiveConfigSize: is "1GiB"; write a size'],
    [{ groups: [{ behaviours: [{ count: 1 }] }] }, 'groups[0].behaviours[0]: has no kind; allowed are good, reject'],
    [{ groups: [{ behaviours: [{ kind: 'crahs' }] }] }, 'groups[0].behaviours[0].kind: is "crahs"; allowed are good'],
    [
      { groups: [{ behaviours: [{ kind: 'liar', every: '1s' }] }] },
      'groups[0].behaviours[0].every: does not go with liar, which takes component',
    ],
    [
      { groups: [{ behaviours: [{ kind: 'liar', count: 1, share: 0.5 }] }] },
      'groups[0].behaviours[0]: has more than one of count, share and at',
    ],
    [
      { groups: [{ count: 3, behaviours: [{ kind: 'liar', count: 2 }, { kind: 'clone' }] }] },
      'groups[0].behaviours: takes 4 agents of 3',
    ],
    [{ groups: [{ count: 3, behaviours: [{ kind: 'liar', at: [3] }] }] }, 'groups[0].behaviours[0].at: is beyond'],
    [{ groups: [{ behaviours: [{ kind: 'clone', at: [3] }] }] }, 'groups[0].behaviours[0].at: names an odd number'],
    [
      {
        groups: [
          {
            behaviours: [
              { kind: 'liar', at: [3] },
              { kind: 'crash', at: [3] },
            ],
          },
        ],
      },
      'groups[0].behaviours: names a position twice',
    ],
    [[], 'is []; write a mapping'],
  ])('%j is refused with its path and what is allowed', (file, problem) => {
    expect(() => scenario(file)).toThrow(expect.objectContaining({ code: 'bad-scenario' }));
    expect(() => scenario(file)).toThrow(problem);
  });

  test('is refused when it is not YAML', () => {
    expect(() => parseScenario('groups: [')).toThrow(expect.objectContaining({ code: 'bad-scenario', path: '' }));
  });
});

test('the example in the README is one', () => {
  const readme = readFileSync(`${import.meta.dirname}/../README.md`, 'utf8');
  const example = /```yaml\n(.*?)```/s.exec(readme)?.[1] ?? '';
  expect(plan(parseScenario(example)).length).toBe(100);
  for (const kind of Object.keys(BEHAVIOURS)) expect(readme).toContain(`\`${kind}\``);
});

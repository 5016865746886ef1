import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BEHAVIOURS } from './behaviour.ts';
import { plan } from './plan.ts';
import { parseScenario, ScenarioError, scenario } from './scenario.ts';

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
agents: 70
transport: http
heartbeat: 500ms
restartTime: 1s..3s
timeScale: 0.1
groups:
  - { name: edge, labels: { region: eu, tier: 1 }, effectiveConfigSize: 20480, validateConfig: true }
  - name: gateway
    count: 30
    transport: websocket
    config: "receivers: { otlp: {} }"
    behaviours:
      - { kind: crash, count: 50%, component: otlp/secondary, after: 1.5m }
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
          behaviours: [{ count: 15, kind: 'crash', component: 'otlp/secondary', after: 90_000 }],
        },
      ],
    });
  });

  test.each([
    [{ agent: 3 }, 'has the unknown key agent; allowed are seed, agents, transport'],
    [{ agents: 0 }, 'agents: is 0; Too small: expected number to be >=1'],
    [{ agents: 1.5 }, 'agents: is 1.5; Invalid input: expected int'],
    [{ timeScale: 0 }, 'timeScale: is 0; Too small: expected number to be >0'],
    [{ transport: 'udp' }, 'transport: is "udp"; allowed are websocket, http, mixed'],
    [{ heartbeat: 'soon' }, 'heartbeat: is "soon"; write a duration such as 500ms'],
    [{ heartbeat: 5 }, 'heartbeat: is 5; write a duration such as 500ms'],
    [{ restartTime: '2s..1s' }, 'restartTime: write the longer duration last'],
    [{ restartTime: '1s..2' }, 'restartTime[1]: is "2"; write a duration'],
    [{ heartbeat: '0s', transport: 'http' }, 'heartbeat: is 0; agents over HTTP need an interval'],
    [{ groups: [] }, 'groups: is []; Too small'],
    [{ groups: [{ name: 'a' }, { name: 'a' }] }, 'groups[1].name: is taken by another group'],
    [{ groups: [{ name: 'Edge' }] }, 'groups[0].name: is "Edge"; write a name of lowercase letters'],
    [{ groups: [{ labels: { role: [] } }] }, 'groups[0].labels.role: is []; write a text'],
    [{ agents: 200_000, groups: [{}, {}] }, 'groups: has 400000 agents; at most 200000 are allowed'],
    [{ groups: [{ effectiveConfigSize: 2 ** 23 }] }, 'groups[0].effectiveConfigSize: is 8388608; Too big'],
    [
      { groups: [{ behaviours: [{ count: 1 }] }] },
      'groups[0].behaviours[0].kind: is missing; allowed are good, reject',
    ],
    [{ groups: [{ behaviours: [{ kind: 'crahs' }] }] }, 'groups[0].behaviours[0].kind: is "crahs"; allowed are good'],
    [
      { groups: [{ behaviours: [{ kind: 'liar', every: '1s' }] }] },
      'groups[0].behaviours[0].every: does not go with liar, which takes component',
    ],
    [
      { groups: [{ behaviours: [{ kind: 'liar', count: '5' }] }] },
      'groups[0].behaviours[0].count: is "5"; write a number of agents, or a share of the group such as 5%',
    ],
    [
      { groups: [{ count: 3, behaviours: [{ kind: 'liar', count: 2 }, { kind: 'clone' }] }] },
      'groups[0].behaviours: takes 4 agents of 3',
    ],
    [[], 'is []; Invalid input: expected object'],
  ])('%j is refused with its path and what is allowed', (file, problem) => {
    expect(() => scenario(file)).toThrow(ScenarioError);
    expect(() => scenario(file)).toThrow(problem);
  });

  test('is refused when it is not YAML', () => {
    const broken = /^fleet\.yaml: Flow sequence .* at line 1, column 10$/;
    expect(() => parseScenario('groups: [', 'fleet.yaml')).toThrow(
      expect.objectContaining({ message: expect.stringMatching(broken) }),
    );
  });
});

test('the example in the README is one', () => {
  const readme = readFileSync(`${import.meta.dirname}/../README.md`, 'utf8');
  const example = /```yaml\n(.*?)```/s.exec(readme)?.[1] ?? '';
  expect(plan(parseScenario(example)).length).toBe(100);
  for (const kind of Object.keys(BEHAVIOURS)) expect(readme).toContain(`\`${kind}\``);
});

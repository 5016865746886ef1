import { describe, expect, test } from 'vitest';
import { T0 } from '../../test/samples.ts';
import { newAgent } from '../agents/agent.ts';
import { understand } from '../collector/structure.ts';
import { type Outline, type Preflight, preflight } from './preflight.ts';

const outline = (yaml: string): Outline => {
  const understood = understand({ '': yaml });
  if ('unparsed' in understood) throw new Error(understood.unparsed);
  return { bytes: yaml.length, structure: understood.structure };
};
const config = (exporters: string[], extra = ''): string =>
  `receivers: { otlp: {} }
exporters: { ${exporters.map((id) => `${id}: {}`).join(', ')} }
${extra}
service: { pipelines: { traces: { receivers: [otlp], exporters: [${exporters.join(', ')}] } } }
`;

/** An agent whose build has these exporters; without a list it did not tell. */
function agent(id: string, exporters?: string[]) {
  const one = newAgent(id, id, T0);
  if (exporters === undefined) return one;
  const ids = { receivers: ['otlp'], exporters, processors: [], connectors: [], extensions: [] };
  return { ...one, identity: { ...one.identity, components: { hash: exporters.join(), ids } } };
}

const asked = (more: Partial<Preflight>): Preflight => ({
  target: { configuration: 'edge', revision: 2, hash: 'bb' },
  next: outline(config(['otlp/a'])),
  present: outline(config(['otlp/a'])),
  agents: [agent('a', ['otlp', 'debug'])],
  condemnedBy: null,
  sendLimit: 4 * 1024 * 1024,
  ...more,
});

test('nothing speaks against a revision that is like the last one', () => {
  expect(preflight(asked({}))).toEqual([]);
});

describe('G2: components that are not in the build', () => {
  const agents = [agent('a', ['otlp']), agent('b', ['otlp', 'debug']), agent('c')];

  test('are named with the agents that lack them; who did not tell is not judged', () => {
    expect(preflight(asked({ agents, next: outline(config(['debug/x', 'otlp/a'])), present: null }))).toEqual([
      expect.objectContaining({
        gate: 'G2',
        severity: 'error',
        agents: ['a'],
        message: expect.stringMatching(/^1 of 2 .*told their exporters have no debug, which debug\/x is/),
      }),
    ]);
  });

  test('a name that the agent expands is not judged, nor an agent that is no target', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what the collector expands
    expect(preflight(asked({ agents, next: outline(config(['"${env:KIND}/x"', 'otlp/a'])), present: null }))).toEqual(
      [],
    );
    expect(preflight(asked({ agents: [], next: outline(config(['debug'])), present: null }))).toEqual([]);
  });
});

test('G4: a text that no message may carry', () => {
  const next = { ...outline(config(['otlp/a'])), bytes: 9_000 };
  expect(preflight(asked({ next, present: next, sendLimit: 10_000 }))).toMatchObject([
    { gate: 'G4', severity: 'error' },
  ]);
  expect(preflight(asked({ next, present: next, sendLimit: 14_000 }))).toEqual([]);
});

describe('G6: another shape than what the group runs', () => {
  const of = (n: number) => config(Array.from({ length: n }, (_, at) => `otlp/${at}`));
  const gates = (from: number, to: number) => preflight(asked({ present: outline(of(from)), next: outline(of(to)) }));

  test('half as much more or less is meant; beyond that somebody must say so', () => {
    // With the receiver 10 components; 15 and 5 are just within.
    expect(gates(9, 14)).toEqual([]);
    expect(gates(9, 4)).toEqual([]);
    expect(gates(9, 15)).toMatchObject([
      { gate: 'G6', severity: 'confirm', message: expect.stringContaining('10 to 16 components') },
    ]);
    expect(gates(9, 3)).toMatchObject([{ gate: 'G6' }]);
  });

  test('the first revision of a group has nothing to be compared with', () => {
    expect(preflight(asked({ present: null, next: outline(of(40)), agents: [] }))).toEqual([]);
  });
});

describe('G8', () => {
  const pipelines = (text: string) =>
    preflight(
      asked({
        next: outline(`receivers: { otlp: {} }\nexporters: { otlp: {} }\nservice: { pipelines: ${text} }\n`),
        present: null,
      }),
    );

  test('no pipeline: no collector would start; one without receivers or exporters may be completed by a file of the agent’s own', () => {
    expect(pipelines('{ traces: { receivers: [otlp], exporters: [otlp] } }')).toEqual([]);
    expect(pipelines('{ traces: { receivers: [otlp] } }')).toMatchObject([{ gate: 'G8', severity: 'warning' }]);
    expect(pipelines('{}')).toMatchObject([{ gate: 'G8', severity: 'error' }]);
  });

  test('an extension that replaces the one by which a Supervisor hears its collector', () => {
    const next = outline(config(['otlp/a'], 'extensions: { opamp: {} }'));
    expect(preflight(asked({ next, present: next, agents: [] }))).toMatchObject([{ gate: 'G8', severity: 'confirm' }]);
    const other = outline(config(['otlp/a'], 'extensions: { opamp/mine: {} }'));
    expect(preflight(asked({ next: other, present: other, agents: [] }))).toEqual([]);
  });
});

test('G9: what a rollback condemned, with the rollout that did (I9)', () => {
  expect(preflight(asked({ condemnedBy: 'r7' }))).toMatchObject([
    {
      gate: 'G9',
      severity: 'error',
      message: 'edge@2 was condemned for this group: rollout r7 took it back; save a changed revision',
    },
  ]);
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Targets } from './targets.ts';

interface Row {
  readonly agent: string;
  readonly state: number;
}

const rows = (list: fc.Arbitrary<string>) =>
  fc.array(fc.record({ agent: list, state: fc.nat() }), { maxLength: 8 }) as fc.Arbitrary<Row[]>;
const agents = fc.constantFrom(...'abcdefghij');

const expectSame = (targets: Targets<Row>, model: ReadonlyMap<string, Row>) => {
  expect(targets.values()).toEqual([...model.values()]);
  expect(targets.size).toBe(model.size);
  for (const agent of 'abcdefghij') {
    expect(targets.get(agent)).toEqual(model.get(agent));
    expect(targets.has(agent)).toBe(model.has(agent));
  }
};

const applied = (model: ReadonlyMap<string, Row>, changes: readonly Row[]) =>
  new Map([...model, ...changes.map((row): [string, Row] => [row.agent, row])]);

test('every version stays what it was, also when several follow from one', () => {
  const histories = fc.array(fc.record({ from: fc.nat(), changes: rows(agents) }), { maxLength: 12 });
  fc.assert(
    fc.property(histories, (history) => {
      const versions = [{ targets: new Targets<Row>(), model: new Map<string, Row>() as ReadonlyMap<string, Row> }];
      for (const { from, changes } of history) {
        const { targets, model } = versions[from % versions.length] as (typeof versions)[number];
        versions.push({ targets: targets.with(changes), model: applied(model, changes) });
        for (const version of versions) expectSame(version.targets, version.model);
      }
    }),
  );
});

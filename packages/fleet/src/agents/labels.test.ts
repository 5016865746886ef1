import { describe, expect, test } from 'vitest';
import { ALL_CAPABILITIES, agent, without } from '../../test/samples.ts';
import { type AgentIdentity, type Attributes, Capability, can, capabilityNames, isVerifiable } from './agent.ts';
import { labelsOf, nameOf } from './labels.ts';

const identity = (over: Partial<AgentIdentity>): AgentIdentity => agent('a', over).identity;
const plain = (over: Partial<AgentIdentity>): Record<string, string> => ({ ...labelsOf(identity(over)) });

describe('labels', () => {
  test('are the attributes of both kinds and the operators’ own, who win', () => {
    expect(
      plain({
        nonIdentifying: { region: 'eu', role: 'edge', 'service.name': 'other' },
        identifying: { 'service.name': 'otelcol' },
        operatorLabels: { role: 'core', team: 'red' },
      }),
    ).toEqual({ region: 'eu', role: 'core', 'service.name': 'otelcol', team: 'red' });
  });

  test.each<[Attributes[string], string | undefined]>([
    ['text', 'text'],
    ['', ''],
    [12, '12'],
    [1.5, '1.5'],
    [true, 'true'],
    [false, 'false'],
    [{ int64: '9223372036854775807' }, '9223372036854775807'],
    [{ double: 'NaN' }, 'NaN'],
    [null, undefined],
    [{ bytes: 'AAE=' }, undefined],
    [{ kvlist: { a: 'b' } }, undefined],
    [['a', 'b'], undefined],
    [[], undefined],
  ])('the value %j reads %j', (value, expected) => {
    expect(plain({ nonIdentifying: { key: value } })['key']).toBe(expected);
  });

  test('keys of the prototype are keys like any other (R18)', () => {
    const hostile = JSON.parse('{"__proto__":"p","constructor":"c","toString":"t","hasOwnProperty":"h"}') as Attributes;
    const labels = labelsOf(identity({ nonIdentifying: hostile, operatorLabels: JSON.parse('{"__proto__":"mine"}') }));
    expect(Object.getPrototypeOf(labels)).toBeNull();
    expect(Object.entries(labels)).toEqual([
      ['__proto__', 'mine'],
      ['constructor', 'c'],
      ['toString', 't'],
      ['hasOwnProperty', 'h'],
    ]);
    expect(({} as Record<string, unknown>)['p']).toBeUndefined();
  });
});

test('a name for people: host, else service instance, else uid', () => {
  expect(
    nameOf(identity({ nonIdentifying: { 'host.name': 'web-1' }, identifying: { 'service.instance.id': 'i-1' } })),
  ).toBe('web-1');
  expect(nameOf(identity({ identifying: { 'service.instance.id': 'i-1' } }))).toBe('i-1');
  expect(nameOf(identity({}))).toBe(identity({}).instanceUid);
  expect(nameOf(identity({ nonIdentifying: { 'host.name': 'web-1' }, operatorLabels: { 'host.name': 'mine' } }))).toBe(
    'mine',
  );
});

describe('capabilities', () => {
  test('names and bits agree', () => {
    expect(capabilityNames(ALL_CAPABILITIES)).toEqual(Object.keys(Capability));
    expect(capabilityNames(0)).toEqual([]);
    expect(capabilityNames(0x1002)).toEqual(['AcceptsRemoteConfig', 'ReportsRemoteConfig']);
    expect(can(identity({ capabilities: 0x2 }), 'AcceptsRemoteConfig')).toBe(true);
    expect(can(identity({ capabilities: 0x2 }), 'ReportsHealth')).toBe(false);
  });

  test('either report makes an agent verifiable', () => {
    expect(isVerifiable(identity({ capabilities: without('ReportsRemoteConfig') }))).toBe(true);
    expect(isVerifiable(identity({ capabilities: without('ReportsEffectiveConfig') }))).toBe(true);
    expect(isVerifiable(identity({ capabilities: without('ReportsRemoteConfig', 'ReportsEffectiveConfig') }))).toBe(
      false,
    );
  });
});

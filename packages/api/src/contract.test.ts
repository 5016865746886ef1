import { readFileSync } from 'node:fs';
import { LIMITS } from '@flaghoist/fleet';
import { expect, test } from 'vitest';
import { contract, type Operation } from './contract.ts';
import { API_LIMITS } from './limits.ts';
import { openApi } from './openapi.ts';
import { type OperationName, placeOf } from './routes.ts';
import { readRequest, writeAnswer } from './wire.ts';

const operations = Object.entries(contract) as [OperationName, Operation][];
const raw = { params: {}, query: {}, headers: {}, body: undefined };

test('openapi.json is what the contract says, and its references lead somewhere', () => {
  const text = readFileSync(new URL('../openapi.json', import.meta.url), 'utf8');
  const document = openApi();
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(document)));
  const { schemas } = document['components'] as { schemas: Record<string, unknown> };
  const referred = [...text.matchAll(/"\$ref": "#\/components\/schemas\/([^"]+)"/g)].map(([, id]) => id);
  expect(referred.filter((id) => id === undefined || !(id in schemas))).toEqual([]);
  expect(text).not.toContain('$defs');
});

test.each(operations)(
  '%s: what its path names are inputs of it, and only PUT, POST and PATCH have a body',
  (_, operation) => {
    const { input, method, path } = operation;
    const places = Object.keys(input.shape).map((name) => ({ name, place: placeOf(operation, name).in }));
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(places.flatMap(({ name, place }) => (place === 'path' ? [name] : []))).toEqual(inPath);
    if (places.some(({ place }) => place === 'body')) expect(['PUT', 'POST', 'PATCH']).toContain(method);
  },
);

test('a request is read with defaults and numbers as numbers', () => {
  expect(readRequest('listAgents', { ...raw, query: { state: 'failed' } })).toEqual({
    state: 'failed',
    limit: API_LIMITS.pageSize,
  });
  expect(readRequest('getRevision', { ...raw, params: { name: 'edge', revision: '7' } })).toEqual({
    name: 'edge',
    revision: 7,
  });
  expect(readRequest('deleteGroup', { ...raw, params: { name: 'edge' }, headers: { 'if-match': 'W/"v1"' } })).toEqual({
    name: 'edge',
    ifMatch: 'v1',
    author: 'anonymous',
  });
});

test('every wrong field is named; unknown fields of a body are wrong', () => {
  const body = { group: 'Edge', configuration: 'edge', revision: 0, message: 'x', colour: 'red' };
  const read = () => readRequest('startRollout', { ...raw, body });
  expect(read).toThrow(expect.objectContaining({ code: 'invalid', status: 400 }));
  try {
    read();
  } catch (error) {
    const paths = (error as { problems: { path: string }[] }).problems.map(({ path }) => path);
    expect(paths).toEqual(['body.group', 'body.revision', 'body']);
  }
});

test.each([
  ['neither group nor fleet', {}],
  ['both', { group: 'edge', fleet: true }],
])('a rollout with %s is refused', (_, destination) => {
  const body = { ...destination, configuration: 'edge', revision: 1, message: '' };
  expect(() => readRequest('startRollout', { ...raw, body })).toThrow('give either group or fleet: true');
});

test.each([
  ['limit', { limit: String(API_LIMITS.pageSizeMost + 1) }],
  ['limit', { limit: '0' }],
  ['selector', { selector: 'x'.repeat(LIMITS.selectorLength + 1) }],
])('%s has bounds', (name, query) => {
  expect(() => readRequest('listAgents', { ...raw, query })).toThrow(`query.${name}`);
});

const named = (configuration: string) => () =>
  readRequest('putGroup', { ...raw, params: { name: 'g' }, body: { selector: '', configuration } });

test.each(['a', 'edge', 'edge-1', '0', 'a--b', 'a'.repeat(63)])('%s is a name', (name) => {
  expect(named(name)().body.configuration).toBe(name);
});

test.each([
  '',
  '-a',
  'a-',
  'Edge',
  'a_b',
  'a b',
  'ä',
  'a/b',
  '../a',
  '__proto__',
  'a'.repeat(64),
  `${'a'.repeat(1_000_000)}!`,
])('%.80s is no name', (name) =>
  expect(named(name)).toThrow(/^body.configuration: (lower-case letters, digits and hyphens|Too big)/),
);

test('an attribute called __proto__ is only a key', () => {
  const labels = JSON.parse('{"__proto__":"x"}');
  const { body } = readRequest('labelAgent', { ...raw, params: { id: 'a' }, body: { labels } });
  expect(Object.getPrototypeOf(body.labels)).not.toBe('x');
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});

test('times, durations and shares are text on the wire and numbers in the domain', () => {
  const overrides = { maxInFlight: '25%', maxFailed: 3, applyTimeout: '1m30s' };
  const rollout = { group: 'edge', configuration: 'edge', revision: 1, message: '', overrides };
  expect(readRequest('startRollout', { ...raw, body: rollout }).body.overrides).toEqual({
    maxInFlight: { percent: 25 },
    maxFailed: { count: 3 },
    applyTimeout: 90_000,
  });
  const pin = { configuration: 'edge', revision: 1, reason: '', expires: '2026-11-21T13:45:00+01:00' };
  const { body } = readRequest('pinAgent', { ...raw, params: { id: 'a' }, body: pin });
  expect(body).toMatchObject({ expires: Date.UTC(2026, 10, 21, 12, 45), author: 'anonymous' });
  const endless = { ...rollout, overrides: { applyTimeout: '999999999999999d' } };
  expect(() => readRequest('startRollout', { ...raw, body: endless })).toThrow('this duration is too long');
});

test.each([
  ['maxInFlight', 0],
  ['maxInFlight', 1.5],
  ['maxInFlight', '101%'],
  ['maxInFlight', 'NaN%'],
  ['maxFailed', -1],
  ['maxFailed', '-1%'],
  ['applyTimeout', '0s'],
  ['minHealthyTime', '-1s'],
])('a strategy that makes no sense is refused by name of the setting: %s %s', (name, value) => {
  const body = { group: 'edge', configuration: 'edge', revision: 1, message: '', overrides: { [name]: value } };
  expect(() => readRequest('startRollout', { ...raw, body })).toThrow(`body.overrides.${name}`);
});

test('an answer has the fields that the contract names, those of maps as they are', () => {
  const data = JSON.parse('{"__proto__":"x","at":0}');
  const event = { seq: 1, at: 0, kind: 'k', author: 'a', subject: 's', data, secret: 'x' };
  expect(JSON.stringify(writeAnswer('streamEvents', event))).toBe(
    '{"seq":1,"at":"1970-01-01T00:00:00.000Z","kind":"k","author":"a","subject":"s","data":{"__proto__":"x","at":0}}',
  );
});

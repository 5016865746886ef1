import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { API_LIMITS } from '../limits.ts';
import { openApi } from '../openapi.ts';
import type { OperationName } from '../routes.ts';
import { contract, type Operation, readRequest } from './index.ts';

const operations = Object.entries(contract) as [OperationName, Operation][];
const raw = { params: {}, query: {}, headers: {}, body: undefined };

test('openapi.json is what the contract says, and its references lead somewhere', () => {
  const text = readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8');
  const document = openApi();
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(document)));
  const { schemas } = document['components'] as { schemas: Record<string, unknown> };
  const referred = [...text.matchAll(/"\$ref": "#\/components\/schemas\/([^"]+)"/g)].map(([, id]) => id);
  expect(referred.filter((id) => id === undefined || !(id in schemas))).toEqual([]);
  expect(text).not.toContain('$defs');
});

test.each(operations)(
  '%s: the path has the parameters that the schema has, inputs have one name each',
  (_, operation) => {
    const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(inPath).toEqual(Object.keys(operation.params?.shape ?? {}));
    const names = [operation.params, operation.query, operation.headers].flatMap((part) =>
      Object.keys(part?.shape ?? {}),
    );
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain('body');
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
  ['selector', { selector: 'x'.repeat(API_LIMITS.selectorLength + 1) }],
])('%s has bounds', (name, query) => {
  expect(() => readRequest('listAgents', { ...raw, query })).toThrow(`query.${name}`);
});

test('an attribute called __proto__ is only a key', () => {
  const labels = JSON.parse('{"__proto__":"x"}');
  const { body } = readRequest('labelAgent', { ...raw, params: { id: 'a' }, body: { labels } });
  expect(Object.getPrototypeOf(body.labels)).not.toBe('x');
  expect(({} as Record<string, unknown>)['x']).toBeUndefined();
});

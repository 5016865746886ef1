/** Effective configs with a real store and real workers: what is understood, how often, and what waits for it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Agent, EffectiveVerdict } from '@flaghoist/fleet';
import { formatUid, type InstanceUid } from '@flaghoist/opamp';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EffectiveConfigs, type ReceivedFile } from '../src/effective/effective-configs.ts';
import { TextReader } from '../src/effective/reader.ts';
import { SERVER_LIMITS } from '../src/limits.ts';
import { Remembered } from '../src/remembered.ts';
import { openSqliteStore } from '../src/storage/sqlite-store.ts';
import type { Store } from '../src/storage/store.ts';
import { story, until } from './lab.ts';
import { ledgerEntry, agent as sample } from './storage/samples.ts';

const HASH = 'aa'.repeat(32);
const REVISION = { configuration: 'edge', revision: 1, hash: HASH };
const uidOf = (n: number): string => n.toString(16).padStart(32, '0');

/** What the Supervisor makes of the offer for one agent. */
const running = (n: number, offer = story()): string => `${offer}extensions:
  opamp:
    instance_uid: ${formatUid(uidOf(n) as InstanceUid)}
    ppid: ${10_000 + n}
    server:
      ws:
        endpoint: ws://127.0.0.1:${20_000 + n}/v1/opamp
`;
/** As many nodes as are allowed, a third of a second to read. */
const heavy = (n: number): string => `n${n}:\n${'  - [a, b]\n'.repeat(16_000)}`;
const file = (body: string, name = ''): ReceivedFile => ({
  name,
  contentType: '',
  body,
  bytes: Buffer.byteLength(body),
});

let directory: string;
let store: Store;
let reader: TextReader;
let configs: EffectiveConfigs;
const told: string[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flaghoist-effective-'));
  store = await openSqliteStore({ directory });
  await store.commit([
    {
      kind: 'revision',
      row: {
        configuration: 'edge',
        number: 1,
        hash: HASH,
        parent: null,
        author: '',
        message: '',
        createdAt: 0,
        bytes: 0,
      },
      files: { '': { body: story(), contentType: '' } },
    },
  ]);
  reader = new TextReader();
  vi.spyOn(reader, 'understand');
  configs = new EffectiveConfigs(reader, store, (id) => told.push(id));
  told.length = 0;
});
afterEach(async () => {
  reader[Symbol.dispose]();
  await store[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** The agent after its report, and what is to be stored with it. */
function reported(n: number, ...files: ReceivedFile[]) {
  const before = sample(`agent-${n}`, uidOf(n));
  const { effective, changes } = configs.receive(before, files, 1);
  const agent: Agent = {
    ...before,
    ledger: { ...ledgerEntry(1), revision: REVISION },
    report: { ...before.report, effective },
  };
  return { agent, changes };
}
async function stored(n: number, ...files: ReceivedFile[]): Promise<Agent> {
  const { agent, changes } = reported(n, ...files);
  await store.commit(changes);
  return agent;
}
const verdictOf = (agent: Agent): Promise<EffectiveVerdict | undefined> =>
  until(
    () => configs.verdict(agent),
    (verdict) => verdict !== undefined,
  );

describe('a text is understood', () => {
  it('once, however many agents report it with their own uid, port and pid', async () => {
    const agents = await Promise.all(Array.from({ length: 50 }, (_, n) => stored(n, file(running(n)))));
    for (const agent of agents) expect(await verdictOf(agent)).toEqual({ kind: 'confirmed', why: '' });
    expect(reader.understand).toHaveBeenCalledTimes(2); // the offer, and what runs
    expect(new Set(agents.map(({ report }) => report.effective?.files[0]?.template)).size).toBe(1);
    expect(Object.values(await configs.bodies(agents[7]?.report.effective as never))).toEqual([running(7)]);
  });

  it('only when a verdict is asked for', async () => {
    for (let n = 0; n < 20; n += 1) await stored(n, file(heavy(n)));
    expect(reader.understand).not.toHaveBeenCalled();
  });

  it('once, also when more texts are about than the book of templates remembers', async () => {
    const round = async () => {
      const texts = Array.from({ length: 150 }, (_, n) => stored(n, file(`${story()}# ${n}/\n`)));
      await Promise.all((await Promise.all(texts)).map(verdictOf));
    };
    await round();
    expect(reader.understand).toHaveBeenCalledTimes(151);
    await round();
    expect(reader.understand).toHaveBeenCalledTimes(151);
  });
});

describe('a budget of one text', () => {
  const many = (count: number, body: (n: number) => string) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`${n}`, body(n)]));
  const wide = (n: number): string =>
    `k${n}:\n${Array.from({ length: 20_000 }, (_, k) => `  ${n}-${k}: v${k}\n`).join('')}`;

  it.each([
    ['time', many(1_500, () => heavy(0).slice(0, 8_000)), 'not understood within 2000 ms'],
    ['memory', many(40, wide), 'not understood within'], // or the time, whichever is over first
  ])('of %s ends it, and the next one is understood', async (_, bodies, why) => {
    const [over, next] = await Promise.all([reader.understand(bodies), reader.understand({ '': story() })]);
    expect(over).toEqual({ unparsed: expect.stringContaining(why) });
    expect(next).toHaveProperty('structure');
  });
});

describe('what is not known yet', () => {
  it('is no empty text: a known template that is not stored yet, under another name, waits for it', async () => {
    const first = reported(1, file(running(1)));
    // Others push it out of the book before the commit.
    for (let n = 0; n < 150; n += 1) reported(2, file(`number: "${n}/"\n`));
    const files = [{ ...first.agent.report.effective?.files[0], name: 'x.yaml' }];
    const effective = { ...first.agent.report.effective, files };
    const agent = { ...first.agent, report: { ...first.agent.report, effective } } as Agent;
    expect(configs.verdict(agent)).toBeUndefined();
    await until(() => told.length, Boolean);
    expect(configs.verdict(agent)).toBeUndefined();
    await store.commit(first.changes);
    expect(await verdictOf(agent)).toEqual({ kind: 'confirmed', why: '' });
  });

  it('is understood from the book before it is stored', async () => {
    expect(await verdictOf(reported(1, file(running(1), 'x.yaml')).agent)).toEqual({ kind: 'confirmed', why: '' });
  });

  it('is asked for again when the store fails', async () => {
    const agent = await stored(1, file(running(1)));
    const files = vi.spyOn(store, 'files').mockRejectedValueOnce(new Error('disk'));
    expect(configs.verdict(agent)).toBeUndefined();
    await until(() => told.length, Boolean);
    expect(await verdictOf(agent)).toEqual({ kind: 'confirmed', why: '' });
    expect(files).toHaveBeenCalledTimes(2);
  });

  it('is stored again with the report that names it again, because the store drops what nobody names', async () => {
    const { agent } = reported(1, file(running(1)));
    expect(configs.receive(agent, [file(running(1))], 2).changes).toEqual([]);
    const moved = {
      ...agent,
      report: { ...agent.report, effective: configs.receive(agent, [file('a: 1\n')], 3).effective },
    };
    expect(configs.receive(moved, [file(running(1))], 4).changes).toMatchObject([{ kind: 'text' }]);
  });
});

describe('many texts at once', () => {
  it('do not hold up an operator’s check', async () => {
    let open = 0;
    for (let n = 0; n < 30; n += 1) {
      open += 1;
      void reader.understand({ '': heavy(n) }).then(() => {
        open -= 1;
      });
    }
    expect(await reader.check({ '': { body: story(), contentType: '' } })).toEqual([]);
    expect(open).toBeGreaterThan(10);
  });

  it('beyond the limit are inconclusive for now, and asked for again when there is room', async () => {
    const count = SERVER_LIMITS.textsWaiting + 20;
    const agents = await Promise.all(
      Array.from({ length: count }, (_, n) => stored(n, file(`${running(n)}# ${n}/\n`))),
    );
    const verdicts = agents.map((agent) => configs.verdict(agent));
    expect(verdicts.filter((verdict) => verdict === undefined)).toHaveLength(SERVER_LIMITS.textsWaiting);
    expect(verdicts.at(-1)).toEqual({ kind: 'inconclusive', why: 'too many texts at once' });
    await until(
      () => told.includes(`agent-${count - 1}`),
      (isTold) => isTold,
    );
    for (const agent of agents) {
      const last = await until(
        () => configs.verdict(agent),
        (verdict) => verdict?.kind === 'confirmed',
      );
      expect(last).toEqual({ kind: 'confirmed', why: '' });
    }
  });

  it('of one agent: the last one counts', async () => {
    for (let n = 0; n < 100; n += 1) configs.verdict(reported(1, file(heavy(n))).agent);
    const agent = reported(1, file(running(1))).agent;
    expect(await verdictOf(agent)).toEqual({ kind: 'confirmed', why: '' });
    expect(vi.mocked(reader.understand).mock.calls.length).toBeLessThan(5);
  });

  it('and long names are no keys of any memory', async () => {
    const remember = vi.spyOn(Remembered.prototype, 'set');
    const long = 'n'.repeat(2_000_000);
    expect(await verdictOf(reported(1, file(running(1), long)).agent)).toEqual({ kind: 'confirmed', why: '' });
    for (const [key, , size = 0] of remember.mock.calls) expect(key.length + size).toBeLessThan(2_000);
  });
});

it('a file that is not UTF-8 is inconclusive, says so, and is not read', async () => {
  const latin1 = { name: 'x.yaml', contentType: '', encoding: 'base64', body: 'YTog5Ao=', bytes: 5 } as const;
  const verdict = await verdictOf(await stored(1, file(running(1)), latin1));
  expect(verdict).toEqual({ kind: 'inconclusive', why: 'a file is not UTF-8 text' });
  expect(reader.understand).not.toHaveBeenCalled();
});

it('an agent’s own words in a verdict are cut', async () => {
  const processors = Array.from({ length: 2_000 }, (_, n) => `batch/${n}`).join(', ');
  const files = {
    '': { body: story().replace('      exp', '      processors: [b, a]\n      exp'), contentType: '' },
  };
  vi.spyOn(store, 'files').mockResolvedValue(files);
  const body = running(1).replace('      exp', `      processors: [a, b, ${processors}]\n      exp`);
  const verdict = await verdictOf(await stored(1, file(body)));
  expect(verdict).toMatchObject({ kind: 'contradicted', why: expect.stringContaining('batch/9') });
  expect(JSON.stringify(verdict).length).toBeLessThan(1_100);
});

// `npm run bench`: our server beside a floor, with the same simulated fleet, in one run. docs/performance.md tells more.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Load, Seen } from './load.ts';
import type { Reading } from './probe.ts';
import { Measured, took } from './process.ts';
import { flaghoist, floor, type Target } from './targets.ts';

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '10000' },
    loads: { type: 'string', default: '1' },
    size: { type: 'string', default: '2048,20480' },
    heartbeats: { type: 'string', default: '60' },
    url: { type: 'string' },
    out: { type: 'string' },
  },
});
const AGENTS = Number(values.agents);
const LOADS = Number(values.loads);

const exporters = (count: number): string =>
  Array.from(
    { length: count },
    (_, i) => `  otlp/${i}: { endpoint: "backend-${i}.internal:4317", timeout: ${i + 1}s }\n`,
  ).join('');
/** A configuration of about so many bytes. */
const configOf = (bytes: number): string => {
  const count = Math.max(1, Math.round(bytes / 75));
  const names = Array.from({ length: count }, (_, i) => `otlp/${i}`).join(', ');
  return `receivers: { otlp: { protocols: { grpc: {} } } }\nexporters:\n${exporters(count)}service: { pipelines: { traces: { receivers: [otlp], exporters: [${names}] } } }\n`;
};

class Fleet {
  readonly #loads: Measured[];

  constructor(url: string, effectiveSize: number) {
    const share = Math.ceil(AGENTS / LOADS);
    this.#loads = Array.from({ length: LOADS }, (_, seed) => {
      const load: Load = {
        url,
        agents: Math.min(share, AGENTS - seed * share),
        seed: seed + 1,
        effectiveSize,
        heartbeat: `${Math.max(1, AGENTS / 1_000)}s`,
        startsPerSecond: 100_000,
        config: configOf(200),
      };
      return new Measured('load.ts', [JSON.stringify(load)], null);
    });
  }

  async seen(): Promise<Seen> {
    const all = await Promise.all(this.#loads.map((load) => load.ask<Seen>('count')));
    const keys = ['connected', 'connections', 'offers', 'fullStates', 'cpu'] as const;
    return Object.fromEntries(keys.map((key) => [key, all.reduce((sum, one) => sum + one[key], 0)])) as unknown as Seen;
  }

  async close(): Promise<void> {
    await Promise.all(this.#loads.map((load) => load.end()));
  }
}

type Row = Record<string, number | string>;
const rows: Row[] = [];
const round = (value: number, digits = 2): number => Number(value.toFixed(digits));

/** What a phase cost: CPU of the main thread and of all, per unit in µs, and the loop's delay. */
function cost(before: Reading | undefined, after: Reading | undefined, units: number): Row {
  if (before === undefined || after === undefined) return {};
  return {
    'main µs': round(((after.main - before.main) * 1_000) / units, 1),
    'all µs': round(((after.all - before.all) * 1_000) / units, 1),
    'delay max ms': round(after.delayMax, 0),
    'delay p99 ms': round(after.delay99, 0),
  };
}

function note(target: Target, size: number, phase: string, figures: Row): void {
  const row = { target: target.name, agents: AGENTS, size, phase, ...figures };
  rows.push(row);
  console.log(
    Object.entries(row)
      .map(([key, value]) => `${key}=${value}`)
      .join('  '),
  );
}

async function measure(target: Target, size: number): Promise<void> {
  await sleep(1_500);
  const empty = await target.read();
  const fleet = new Fleet(target.url, size);
  try {
    const enrolled = await took(() => target.enrolled(AGENTS), 20);
    const full = await target.read();
    note(target, size, 'enrol', {
      s: round(enrolled),
      'per s': round(AGENTS / enrolled, 0),
      ...cost(empty, full, AGENTS),
    });

    await sleep(3_000);
    const idle = await target.read();
    if (empty && idle)
      note(target, size, 'idle', { 'KB per agent': round((idle.rss - empty.rss) / 1_000 / AGENTS, 1) });

    if (size === Number(values.size.split(',')[0]) && Number(values.heartbeats) > 0) {
      await target.read();
      const seconds = Number(values.heartbeats);
      const before = await target.read();
      await sleep(seconds * 1_000);
      note(target, size, 'heartbeats', cost(before, await target.read(), seconds * 1_000));
    }

    const { push, applied } = target;
    if (push && applied) {
      const body = configOf(10_240);
      const before = await target.read();
      const began = performance.now();
      const seconds = () => round((performance.now() - began) / 1_000);
      await target.push?.(body);
      const delivered = took(async () => (await fleet.seen()).offers >= AGENTS, 50).then(seconds);
      await took(() => applied.call(target, AGENTS), 20);
      const durable = seconds();
      const after = await target.read();
      const proven = target.understood?.bind(target, AGENTS);
      const understood = proven && (await took(proven, 20).then(seconds));
      note(target, size, 'push', {
        'applied s': durable,
        'offers s': await delivered,
        ...(understood !== undefined && { 'understood s': understood }),
        ...cost(before, after, AGENTS),
      });
      const used = await target.read();
      if (empty && used)
        note(target, size, 'after push', { 'KB per agent': round((used.rss - empty.rss) / 1_000 / AGENTS, 1) });
    }

    if (target.restart && !process.env["NORESTART"]) {
      const before = await fleet.seen();
      const began = performance.now();
      await target.restart();
      await took(async () => (await fleet.seen()).connected >= AGENTS, 100);
      await took(() => target.enrolled(AGENTS), 50);
      const seconds = (performance.now() - began) / 1_000;
      await sleep(2_000);
      note(target, size, 'restart', { s: round(seconds), resent: (await fleet.seen()).offers - before.offers });
    }
  } finally {
    await fleet.close();
    await target.close();
  }
}

for (const size of values.size.split(',').map(Number)) {
  if (values.url !== undefined) {
    const { url } = values;
    const target: Target = {
      name: url,
      url,
      read: async () => undefined,
      enrolled: async () => true,
      close: async () => {},
    };
    await measure(target, size);
    continue;
  }
  for (const start of [floor, flaghoist]) await measure(await start(), size);
}
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(rows, null, 1)}\n`);
process.exit();

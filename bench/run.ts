// `npm run bench`: our server beside a floor, with the same simulated fleet, in one run. docs/performance.md tells more.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { configOf, Fleet } from './fleet.ts';
import { type Reading, WATCH_CALLBACKS } from './probe.ts';
import { took } from './process.ts';
import { flaghoist, floor, STAGED, type Target, unknown } from './targets.ts';

const { values: given } = parseArgs({
  options: {
    agents: { type: 'string', default: '10000' },
    processes: { type: 'string', default: '1' },
    size: { type: 'string', default: '2048,20480' },
    window: { type: 'string', default: '60' },
    phases: { type: 'string', default: 'enrol,idle,heartbeats,push,restart' },
    url: { type: 'string' },
    out: { type: 'string' },
    callbacks: { type: 'boolean', default: false },
  },
});
if (given.callbacks) process.env[WATCH_CALLBACKS] = 'yes';
const AGENTS = Number(given.agents);
/** Seconds over which heartbeats are measured. */
const WINDOW = Number(given.window);
/** Bytes of the configuration that is pushed. */
const PUSHED = 10_240;

/** A target with its fleet, and what its process used when it was empty. */
interface Run {
  readonly target: Target;
  readonly fleet: Fleet;
  readonly empty: Reading | undefined;
}

type Figures = Readonly<Record<string, number | string>>;

const seconds = (since: number): number => Math.round(performance.now() - since) / 1_000;
const tenth = (value: number): number => Math.round(value * 10) / 10;

/** CPU of the main thread, of the writer and of all, in µs, and rows written, per unit; how late the loop was, in ms. */
async function cost(target: Target, units: number, work: () => Promise<Figures>): Promise<Figures> {
  const before = await target.read();
  const figures = await work();
  const after = await target.read();
  if (before === undefined || after === undefined) return figures;
  return {
    ...figures,
    'main µs': tenth(((after.main - before.main) * 1_000) / units),
    'writer µs': tenth(((after.writer - before.writer) * 1_000) / units),
    'all µs': tenth(((after.all - before.all) * 1_000) / units),
    rows: tenth((after.rows - before.rows) / units),
    ...(given.callbacks && { 'longest callback ms': tenth(after.longest) }),
    'delay max ms': Math.round(after.delayMax),
    'delay p99 ms': Math.round(after.delay99),
  };
}

async function memory({ target, empty }: Run): Promise<Figures> {
  const now = await target.read();
  return now && empty ? { 'KB per agent': tenth((now.rss - empty.rss) / 1_000 / AGENTS) } : {};
}

async function push({ target, fleet }: Run): Promise<Figures> {
  const began = performance.now();
  await target.push?.(configOf(PUSHED));
  const delivered = took(async () => (await fleet.seen()).offers >= AGENTS, 250).then(() => seconds(began));
  await took(() => target.applied?.(AGENTS) ?? true, 50);
  const applied = seconds(began);
  const offers = await delivered;
  if (target.understood === undefined) return { 'applied s': applied, 'offers s': offers };
  await took(() => target.understood?.(AGENTS) ?? true, 20);
  return { 'applied s': applied, 'offers s': offers, 'understood s': seconds(began) };
}

/** In stages; what the strategy has us wait for is told apart. */
async function rollout({ target }: Run): Promise<Figures> {
  const began = performance.now();
  await target.rollout?.(configOf(PUSHED + 64));
  let most = 0;
  let seen = await target.progress?.();
  while (seen !== undefined && (seen.state === 'running' || seen.state === 'baking')) {
    most = Math.max(most, seen.inFlight);
    await sleep(100);
    seen = await target.progress?.();
  }
  const s = seconds(began);
  const waited = (seen?.stages ?? 0) * STAGED.soak + STAGED.bake;
  return {
    state: seen?.state ?? '',
    proven: seen?.proven ?? 0,
    s,
    'waited s': waited,
    'ours s': Math.round((s - waited) * 1_000) / 1_000,
    'max in flight': most,
  };
}

const PHASES: Readonly<Record<string, (run: Run) => Promise<Figures>>> = {
  enrol: ({ target, fleet }) =>
    cost(target, AGENTS, async () => {
      const began = performance.now();
      fleet.start();
      await took(() => target.enrolled(AGENTS), 20);
      return { s: seconds(began), 'per s': Math.round(AGENTS / seconds(began)) };
    }),
  idle: async (run) => {
    await sleep(3_000);
    return memory(run);
  },
  heartbeats: ({ target }) =>
    cost(target, WINDOW * 1_000, async () => {
      await sleep(WINDOW * 1_000);
      return {};
    }),
  push: async (run) => ({ ...(await cost(run.target, AGENTS, () => push(run))), ...(await memory(run)) }),
  rollout: async (run) => cost(run.target, AGENTS, () => rollout(run)),
  restart: async (run) => {
    const { target, fleet } = run;
    const before = await fleet.seen();
    const began = performance.now();
    await target.restart?.();
    await took(async () => (await fleet.seen()).connections >= before.connections + AGENTS, 100);
    await took(() => target.enrolled(AGENTS), 50);
    const s = seconds(began);
    await sleep(2_000);
    return { s, resent: (await fleet.seen()).offers - before.offers, ...(await memory(run)) };
  },
};

const rows: Figures[] = [];

async function measure(target: Target, size: number): Promise<void> {
  await sleep(1_500);
  const fleet = new Fleet({ url: target.url, agents: AGENTS, processes: Number(given.processes), effectiveSize: size });
  const run: Run = { target, fleet, empty: await target.read() };
  try {
    for (const phase of given.phases.split(',')) {
      const measured = PHASES[phase];
      if (measured === undefined) throw new Error(`--phases ${phase}: there are ${Object.keys(PHASES).join(', ')}`);
      if ((phase === 'push' || phase === 'rollout' || phase === 'restart') && target[phase] === undefined) continue;
      const row = { target: target.name, agents: AGENTS, size, phase, ...(await measured(run)) };
      rows.push(row);
      console.log(
        Object.entries(row)
          .map((figure) => figure.join('='))
          .join('  '),
      );
    }
  } finally {
    await fleet.close();
    await target.close();
  }
}

const { url } = given;
for (const size of given.size.split(',').map(Number)) {
  for (const start of url === undefined ? [floor, flaghoist] : [() => unknown(url)]) await measure(await start(), size);
}
if (given.out !== undefined) writeFileSync(given.out, `${JSON.stringify(rows, null, 1)}\n`);
process.exit();

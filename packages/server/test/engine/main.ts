/**
 * `npm run simulate:engine [-- --seeds N --first F --jobs J --mutant NAME --seed S]`: the engine in simulated worlds.
 * Ends with 1 when a law was broken. With `--seed` one world is played, and told line by line.
 */

import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { MUTANTS, mutate } from './mutants.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    first: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '1' },
    seed: { type: 'string' },
    mutant: { type: 'string' },
    unbiased: { type: 'boolean', default: false },
    tally: { type: 'boolean', default: false },
  },
});

const mutant = values.mutant === undefined ? undefined : MUTANTS[values.mutant];
if (values.mutant !== undefined && mutant === undefined) {
  console.error(`no mutant is called ${values.mutant}; there is: ${Object.keys(MUTANTS).join(', ')}`);
  process.exit(2);
}
if (mutant !== undefined) mutate(mutant);
const bias = values.unbiased ? { fencing: mutant?.bias.fencing ?? true } : (mutant?.bias ?? {});
// After the edits.
const { play } = await import('./play.ts');

interface Report {
  readonly played: number;
  /** What happened, and how often. */
  readonly tally: ReadonlyMap<string, number>;
  readonly failures: readonly { readonly seed: number; readonly law: string; readonly told: string }[];
}

const replay = (seed: number): string =>
  `npm run simulate:engine -- --seed ${seed}${values.mutant === undefined ? '' : ` --mutant ${values.mutant}`}`;

/** Plays these seeds; of a mutant until it is caught. */
async function playAll(first: number, count: number): Promise<Report> {
  const failures: { seed: number; law: string; told: string }[] = [];
  const tally = new Map<string, number>();
  let played = 0;
  for (let seed = first; seed < first + count; seed += 1) {
    const { violation, world } = await play(seed, bias);
    played += 1;
    if (values.tally) for (const line of world.log) add(tally, kindOf(line), 1);
    if (violation === undefined) continue;
    const { law, message } = violation;
    const told = `seed ${seed} breaks ${law}: ${message}\n${world.describe()}\nagain: ${replay(seed)}\n`;
    failures.push({ seed, law, told });
    if (mutant !== undefined) break;
  }
  return { played, tally, failures };
}

/** A line of the log without who, which and when. */
const kindOf = (line: string): string =>
  line
    .replace(/^\S+ /, '')
    .replace(/(agent-|server )\d+'?/, '$1N')
    .replaceAll(/\b[ar][0-9a-z]{12}\b/g, 'ID')
    .replaceAll(/\b[0-9a-f]{6}\b/g, 'HASH')
    .replaceAll(/ (\{.*|to \d+|\d+)/g, '');

function add(tally: Map<string, number>, kind: string, count: number): void {
  tally.set(kind, (tally.get(kind) ?? 0) + count);
}

/** One world, line by line. */
async function tell(seed: number): Promise<number> {
  const { world, digest, violation } = await play(seed, bias);
  console.log(world.log.join('\n'));
  if (violation !== undefined) console.log(`breaks ${violation.law}: ${violation.message}`);
  console.log(`${world.describe()}\nseed ${seed}: ${world.log.length} lines, ${digest}`);
  return violation === undefined ? 0 : 1;
}

async function inWorkers(first: number, count: number, jobs: number): Promise<Report> {
  const share = Math.ceil(count / jobs);
  const starts = Array.from({ length: jobs }, (_, n) => first + n * share).filter((start) => start < first + count);
  const reports = await Promise.all(
    starts.map((start) => {
      const argv = ['--first', `${start}`, '--seeds', `${Math.min(share, first + count - start)}`];
      const worker = new Worker(new URL(import.meta.url), { argv: [...process.argv.slice(2), ...argv] });
      return new Promise<Report>((resolve, reject) => worker.on('message', resolve).on('error', reject));
    }),
  );
  const tally = new Map<string, number>();
  for (const report of reports) for (const [kind, times] of report.tally) add(tally, kind, times);
  const played = reports.reduce((sum, report) => sum + report.played, 0);
  return { played, tally, failures: reports.flatMap((report) => report.failures) };
}

async function run(): Promise<number> {
  const [first, count, jobs] = [Number(values.first), Number(values.seeds), Number(values.jobs)];
  const began = performance.now();
  const { played, tally, failures } = await (jobs > 1 ? inWorkers(first, count, jobs) : playAll(first, count));
  const seconds = (performance.now() - began) / 1_000;
  for (const [kind, times] of [...tally].sort()) console.log(`${times}`.padStart(9), kind);
  for (const { told } of failures.slice(0, 20)) console.log(told);
  const laws = Object.entries(Object.groupBy(failures, ({ law }) => law)).map(
    ([law, of = []]) => `${law}: ${of.length}`,
  );
  const rate = `${seconds.toFixed(1)} s, ${Math.round(played / seconds)} seeds/s`;
  if (mutant === undefined) console.log(`${played} seeds, ${failures.length} broke a law, ${rate} ${laws.join(', ')}`);
  else if (failures.length > 0)
    console.log(`${values.mutant} is caught after ${played} seeds, ${rate} ${laws.join(', ')}`);
  else console.log(`${values.mutant} is NOT caught by ${played} seeds, ${rate}`);
  return failures.length > 0 ? 1 : 0;
}

if (!isMainThread) parentPort?.postMessage(await playAll(Number(values.first), Number(values.seeds)));
else process.exitCode = await (values.seed === undefined ? run() : tell(Number(values.seed)));

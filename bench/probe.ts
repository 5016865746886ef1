// Preloaded into a measured process and its threads: says what they have used, what was written, and how late the loop
// was since it was asked last.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { watchCallbacks } from '../packages/server/test/faults/callbacks.ts';

export interface Reading {
  /** CPU of the main thread, of the thread that writes to the database, and of all threads since the start, ms. */
  readonly main: number;
  readonly writer: number;
  readonly all: number;
  /** Rows written to the database since the start. */
  readonly rows: number;
  /** Resident memory, bytes. */
  readonly rss: number;
  /** CPU of the longest callback since the last reading, ms; 0 unless asked for, since watching costs more than some. */
  readonly longest: number;
  /** The loop's delay since the last reading, ms: at worst, and what 99 of 100 stay below. */
  readonly delayMax: number;
  readonly delay99: number;
}

const KEY = 'flaghoist bench: CPU of the writer, rows written';
/** Set for a run that watches callbacks: its other figures are worth nothing. */
export const WATCH_CALLBACKS = 'FLAGHOIST_BENCH_CALLBACKS';
const millis = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1_000;

if (isMainThread && process.send !== undefined) {
  const written = new Float64Array(new SharedArrayBuffer(16));
  setEnvironmentData(KEY, written);
  const longest = process.env[WATCH_CALLBACKS] === undefined ? undefined : watchCallbacks();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  process.on('message', (message) => {
    if (message !== 'read') return;
    const [writer = 0, rows = 0] = written;
    const reading: Reading = {
      main: millis(process.threadCpuUsage()),
      writer,
      all: millis(process.cpuUsage()),
      rows,
      rss: process.memoryUsage.rss(),
      longest: longest?.().ms ?? 0,
      delayMax: delay.max / 1e6,
      delay99: delay.percentile(99) / 1e6,
    };
    process.send?.(reading);
    delay.reset();
  });
  process.channel?.unref();
}

if (!isMainThread) {
  const written = getEnvironmentData(KEY) as Float64Array | undefined;
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (sql) {
    exec.call(this, sql);
    if (written === undefined || sql !== 'COMMIT') return;
    const rows = Number(this.prepare('SELECT total_changes() AS n').get()?.['n']);
    // The reader has changed nothing.
    if (rows > 0) written.set([millis(process.threadCpuUsage()), rows]);
  };
}

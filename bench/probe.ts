// Preloaded into a measured process: says what it has used, and how late its loop was, since it was asked last.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

export interface Reading {
  /** CPU of the main thread and of all threads since the start, ms. */
  readonly main: number;
  readonly all: number;
  /** Resident memory, bytes. */
  readonly rss: number;
  /** The loop's delay since the last reading, ms: at worst, and what 99 of 100 stay below. */
  readonly delayMax: number;
  readonly delay99: number;
}

if (isMainThread && process.send !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const millis = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1_000;
  process.on('message', (message) => {
    if (message !== 'read') return;
    const reading: Reading = {
      main: millis(process.threadCpuUsage()),
      all: millis(process.cpuUsage()),
      rss: process.memoryUsage.rss(),
      delayMax: delay.max / 1e6,
      delay99: delay.percentile(99) / 1e6,
    };
    process.send?.(reading);
    delay.reset();
  });
  process.channel?.unref();
}

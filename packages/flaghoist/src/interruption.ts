/** Aborted by the first SIGINT or SIGTERM; a second one ends the process at once. */
export function interruption(): AbortSignal {
  const first = new AbortController();
  const stop = (): void => {
    if (first.signal.aborted) process.exit(130);
    first.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  return first.signal;
}

/** Watching rollouts until they are decided: drawn in place at a terminal, line by line elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, type RolloutDetail } from '@flaghoist/api';
import { CliError, ExitCode } from '../exit-code.ts';
import type { Session } from '../session.ts';
import { renderOutcome, renderProgress, summary, waysOut } from './view.ts';

/** Between two looks, milliseconds: as often as anybody can read; in a log, less often. */
const LOOK_MS = 250;
const LOOK_FOR_LOG_MS = 1_000;

/**
 * Follows rollouts until all are at rest. Resolves to the exit code: 0 when all succeeded. A server that goes away
 * meanwhile is waited for. @throws CliError when Ctrl-C or the timeout (milliseconds) ends the looking; the rollouts go
 * on, and it says so. @throws ApiError
 */
export async function watchRollouts(
  session: Session,
  watched: readonly { readonly id: string }[],
  timeout: number | undefined,
): Promise<number> {
  const { client, io, stderr } = session;
  const interrupted = io.interruption();
  const signal = AbortSignal.any([interrupted, ...(timeout === undefined ? [] : [AbortSignal.timeout(timeout)])]);
  let rollouts: readonly RolloutDetail[] | undefined;
  do {
    if (rollouts !== undefined)
      await sleep(stderr.isTTY ? LOOK_MS : LOOK_FOR_LOG_MS, undefined, { signal }).catch(() => undefined);
    let trouble: string[] = [];
    try {
      rollouts = await Promise.all(watched.map(({ id }) => client.getRollout({ id }, { signal })));
    } catch (error) {
      if (signal.aborted) throw endOfPatience(watched, interrupted.aborted);
      if (rollouts === undefined || !(error instanceof ApiError && error.code === 'unreachable')) throw error;
      trouble = ['  the server does not answer: trying again'];
    }
    stderr.draw([...renderProgress(rollouts, io.now(), stderr.width() - 1), ...trouble]);
  } while (rollouts.some(({ state }) => state === 'running'));
  session.say(...rollouts.flatMap(renderOutcome), ...rollouts.map(summary));
  stderr.print(rollouts.flatMap(waysOut));
  return rollouts.every(({ state }) => state === 'succeeded') ? ExitCode.ok : ExitCode.negative;
}

function endOfPatience([first, ...more]: readonly { readonly id: string }[], interrupted: boolean): CliError {
  const one = `the rollout goes on: flaghoist rollout status ${first?.id} --watch`;
  const goesOn = more.length === 0 ? one : 'the rollouts go on: flaghoist rollout list';
  if (interrupted) return new CliError(`not watching any more; ${goesOn}`, ExitCode.interrupted);
  return new CliError(`not finished in time; ${goesOn}`, ExitCode.timeout);
}

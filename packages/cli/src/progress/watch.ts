/** Watching what a push does, until it is decided: drawn in place at a terminal, line by line elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '@flaghoist/api';
import { CliError, ExitCode } from '../exit-code.ts';
import { oneLine, revisionText } from '../output/text.ts';
import type { Session } from '../session.ts';
import { renderOutcome, renderProgress, summary, waysOut } from './view.ts';

/** Between two looks, milliseconds: as often as anybody can read; in a log, less often. */
const LOOK_MS = 250;
const LOOK_FOR_LOG_MS = 1_000;

/** What was seen: lines that tell of it, and the outcome when there is one. */
interface Seen<Outcome> {
  readonly lines: readonly string[];
  readonly outcome: Outcome | undefined;
}

/**
 * Looks until there is an outcome. A server that goes away meanwhile is waited for. @throws CliError when Ctrl-C or the
 * timeout (milliseconds) ends the looking; what is looked at goes on, and it says so. @throws ApiError
 */
async function watch<Outcome>(
  session: Session,
  timeout: number | undefined,
  goesOn: string,
  look: (signal: AbortSignal) => Promise<Seen<Outcome>>,
): Promise<Outcome> {
  const interrupted = session.interruption();
  const signal = AbortSignal.any([interrupted, ...(timeout === undefined ? [] : [AbortSignal.timeout(timeout)])]);
  let lines: readonly string[] = [];
  const goneAway = (error: unknown): undefined => {
    const passes = lines.length > 0 && error instanceof ApiError && error.code === 'unreachable';
    if (!passes && !signal.aborted) throw error;
  };
  while (!signal.aborted) {
    const seen = await look(signal).catch(goneAway);
    lines = seen?.lines ?? lines;
    session.draw(seen || signal.aborted ? lines : [...lines, '  the server does not answer: trying again']);
    if (seen?.outcome !== undefined) return seen.outcome;
    await sleep(session.stderr.isTTY ? LOOK_MS : LOOK_FOR_LOG_MS, undefined, { signal }).catch(() => undefined);
  }
  if (interrupted.aborted) throw new CliError(`not watching any more; ${goesOn}`, ExitCode.interrupted);
  throw new CliError(`not finished in time; ${goesOn}`, ExitCode.timeout);
}

/** Follows rollouts until all are at rest. Resolves to the exit code: 0 when all succeeded. */
export async function watchRollouts(
  session: Session,
  watched: readonly { readonly id: string }[],
  timeout: number | undefined,
): Promise<number> {
  const { client, stdout, stderr } = session;
  const one = `the rollout goes on: flaghoist rollout status ${watched[0]?.id} --watch`;
  const goesOn = watched.length === 1 ? one : 'the rollouts go on: flaghoist rollout list';
  const rollouts = await watch(session, timeout, goesOn, async (signal) => {
    const seen = await Promise.all(watched.map(({ id }) => client.getRollout({ id }, { signal })));
    const atRest = seen.every(({ state }) => state !== 'running');
    return { lines: renderProgress(seen, session.now(), stderr.width - 1), outcome: atRest ? seen : undefined };
  });
  session.say(...rollouts.flatMap((rollout) => renderOutcome(rollout, stdout.width)), ...rollouts.map(summary));
  session.note(...rollouts.flatMap(waysOut));
  return rollouts.every(({ state }) => state === 'succeeded') ? ExitCode.ok : ExitCode.negative;
}

/** Follows a pin until the agent proves the revision or refuses it. Resolves to the exit code: 0 when it is proven. */
export async function watchPin(
  session: Session,
  id: string,
  to: { readonly configuration: string; readonly revision: number },
  timeout: number | undefined,
): Promise<number> {
  const goesOn = `the pin stays: flaghoist agent show ${id}`;
  const entry = await watch(session, timeout, goesOn, async (signal) => {
    const { ledger } = await session.client.getAgent({ id }, { signal });
    const ours = ledger.find(({ revision }) => revisionText(revision) === revisionText(to));
    const decided = ours?.phase === 'proven' || ours?.phase === 'failed';
    return { lines: [`agent/${id} ${ours?.phase ?? 'pinned'}`], outcome: decided ? ours : undefined };
  });
  if (entry.phase === 'proven') return ExitCode.ok;
  session.say(`agent/${id} ${entry.reason}: ${oneLine(entry.errorMessage)}`);
  return ExitCode.negative;
}

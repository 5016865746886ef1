/** Watching what a push does: live at a terminal, line by line elsewhere; the exit code is the outcome. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RolloutDetail } from '@flaghoist/api';
import { CliError, ExitCode } from '../exit-code.ts';
import { oneLine, revisionText } from '../output/text.ts';
import { atRest, followRollouts } from '../progress/follow.ts';
import { LiveLines } from '../progress/live.ts';
import { type Progress, renderLine, renderOutcome, renderProgress, totalOf } from '../progress/view.ts';
import type { Session } from '../session.ts';

const PLAIN_LINE_MS = 1_000;
const LOOK_MS = 500;

/** @throws CliError when it is no duration */
export async function timeoutOf(text: string | undefined): Promise<number | undefined> {
  if (text === undefined) return undefined;
  const { parseDuration } = await import('@flaghoist/fleet');
  const millis = parseDuration(text);
  if (millis) return millis;
  throw new CliError(`--timeout ${text}: give a duration such as 10m`);
}

/** Draws into a terminal, or writes a line per change and second. */
function painter(session: Session): (progress: Progress) => void {
  const { stderr } = session.io;
  const style = session.errorStyle;
  if (session.options.quiet) return () => undefined;
  if (stderr.isTTY) {
    const live = new LiveLines(stderr);
    return (progress) => live.draw(renderProgress(progress, { width: session.width(stderr) - 1, style }));
  }
  const told = new Map<string, { readonly line: string; readonly at: number; readonly state: string }>();
  return ({ rollouts, now }) => {
    for (const { id, ...rollout } of rollouts) {
      const line = renderLine({ id, ...rollout }, now, style);
      const last = told.get(id);
      const due = last?.state !== rollout.state || now - last.at >= PLAIN_LINE_MS;
      if (!due || last?.line === line) continue;
      told.set(id, { line, at: now, state: rollout.state });
      session.note(`${line}\n`);
    }
  };
}

/** Runs until it is done, the time is over, or Ctrl-C; resolves to the exit code of the latter two. */
function bounded<T>(
  session: Session,
  timeout: number | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<{ readonly result: T; readonly ended: number }> {
  return session.interruptible(async (interrupted) => {
    const late = timeout === undefined ? [] : [AbortSignal.timeout(timeout)];
    const result = await work(AbortSignal.any([interrupted, ...late]));
    return { result, ended: interrupted.aborted ? ExitCode.interrupted : ExitCode.timeout };
  });
}

/** Said when the watching ends before the thing that is watched. */
function leave(session: Session, ended: number, goesOn: string): number {
  const why = ended === ExitCode.timeout ? 'not finished in time' : 'not watching any more';
  session.note(`${why}; ${goesOn}\n`);
  return ended;
}

export async function watchRollouts(
  session: Session,
  rollouts: readonly { readonly id: string }[],
  timeout: number | undefined,
): Promise<number> {
  const { client } = session;
  const ids = rollouts.map(({ id }) => id);
  const onProgress = painter(session);
  const { result, ended } = await bounded(session, timeout, (signal) =>
    followRollouts({ client, ids, now: () => session.now(), onProgress, signal }),
  );
  if (result.length < ids.length || !result.every(atRest)) {
    const look = ids.map((id) => `flaghoist rollout status ${id} --watch`).join('\n  ');
    const what = ids.length === 1 ? 'the rollout goes on' : 'the rollouts go on';
    return leave(session, ended, `${what}:\n  ${look}`);
  }
  const { canvas } = session;
  session.say(`${[...renderOutcome(result, canvas), ...result.map(summary)].join('\n')}\n`);
  session.note(result.map(waysOut).join(''));
  return result.every(({ state }) => state === 'succeeded') ? ExitCode.ok : ExitCode.negative;
}

function summary(rollout: RolloutDetail): string {
  const { id, group, target, counts, state, pause } = rollout;
  const total = totalOf(rollout);
  const all = `${counts.proven} of ${total} agents of group ${group} prove that they run it`;
  const none = `group ${group} has no agents yet; those that come will get ${revisionText(target)}`;
  const why = pause === null ? '' : `${oneLine(pause.message)}; `;
  return `rollout/${id} ${state}: ${why}${total === 0 ? none : all}`;
}

/** What works now. */
function waysOut({ state, group, target, from }: RolloutDetail): string {
  if (state !== 'paused') return '';
  const to = `--configuration ${target.configuration} --group ${group}`;
  const back = `flaghoist rollout start --group ${group} --to ${revisionText(from)} --supersede -m WHY`;
  return [
    `to go on, fix the text: flaghoist push FILE ${to} --supersede -m WHY\n`,
    from === null ? '' : `to go back: ${back}\n`,
  ].join('');
}

/** Follows a pin until the agent proves the revision or refuses it. */
export async function watchPin(
  session: Session,
  id: string,
  to: { readonly configuration: string; readonly revision: number },
  timeout: number | undefined,
): Promise<number> {
  const { client } = session;
  const { result: entry, ended } = await bounded(session, timeout, async (signal) => {
    for (let phase: string | undefined; ; ) {
      const { ledger } = await client.getAgent({ id });
      const ours = ledger.find(({ revision }) => revisionText(revision) === revisionText(to));
      if (ours !== undefined && ours.phase !== phase) session.note(`agent/${id} ${ours.phase}\n`);
      phase = ours?.phase;
      if (phase === 'proven' || phase === 'failed' || signal.aborted) return ours;
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  });
  if (entry?.phase === 'proven') return ExitCode.ok;
  if (entry?.phase !== 'failed') return leave(session, ended, `the pin stays: flaghoist agent show ${id}`);
  session.say(`agent/${id} ${entry.reason}: ${oneLine(entry.errorMessage)}\n`);
  return ExitCode.negative;
}

/** Watching what a push does: live at a terminal, line by line elsewhere; the exit code is the outcome. */
import type { AgentDetail, RolloutDetail } from '@flaghoist/api';
import { parseDuration } from '@flaghoist/fleet';
import { CliError, ExitCode } from '../exit-code.ts';
import { cut, oneLine } from '../output/text.ts';
import { followRollouts } from '../progress/follow.ts';
import { LiveLines } from '../progress/live.ts';
import { type Progress, renderLine, renderOutcome, renderProgress } from '../progress/view.ts';
import type { Session } from '../session.ts';

const PLAIN_LINE_MS = 1_000;
const LOOK_MS = 500;

/** @throws CliError when it is no duration */
export function timeoutOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const millis = parseDuration(text);
  if (millis === undefined || millis === 0)
    throw new CliError(`--timeout ${text}: give a duration such as 10m`);
  return millis;
}

/** Draws into a terminal, or writes a line per change and second. */
function painter(session: Session): { draw(progress: Progress): void; end(): void } {
  const { stderr } = session.io;
  const style = session.errorStyle;
  if (session.options.quiet) return { draw: () => undefined, end: () => undefined };
  if (stderr.isTTY) {
    const live = new LiveLines(stderr);
    return {
      draw: (progress) => live.draw(renderProgress(progress, { width: session.width(stderr) - 1, style })),
      end: () => live.end(),
    };
  }
  const told = new Map<string, { readonly line: string; readonly at: number; readonly state: string }>();
  const draw = ({ rollouts, now }: Progress): void => {
    for (const rollout of rollouts) {
      const line = renderLine(rollout, now, style);
      const last = told.get(rollout.id);
      const due = last === undefined || last.state !== rollout.state || now - last.at >= PLAIN_LINE_MS;
      if (!due || last?.line === line) continue;
      told.set(rollout.id, { line, at: now, state: rollout.state });
      session.note(`${line}\n`);
    }
  };
  return { draw, end: () => undefined };
}

type Ending = 'done' | 'timeout' | 'interrupted';

/** Runs until it is done, the time is over, or Ctrl-C. */
async function bounded<T>(
  session: Session,
  timeout: number | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<{ readonly result: T; readonly ending: Ending }> {
  return session.interruptible(async (interrupted) => {
    const late = timeout === undefined ? new AbortController().signal : AbortSignal.timeout(timeout);
    const result = await work(AbortSignal.any([interrupted, late]));
    return { result, ending: interrupted.aborted ? 'interrupted' : late.aborted ? 'timeout' : 'done' };
  });
}

export async function watchRollouts(
  session: Session,
  ids: readonly string[],
  timeout?: number,
): Promise<number> {
  const [client, address] = await Promise.all([session.client(), session.address()]);
  const paint = painter(session);
  const { result, ending } = await bounded(session, timeout, (signal) =>
    followRollouts({ client, address, ids, now: () => session.now(), onProgress: paint.draw, signal }),
  );
  paint.end();
  const atRest = result.length > 0 && result.every(({ state }) => state !== 'running');
  if (!atRest && ending !== 'done') return leave(session, ids, ending);
  tell(session, result);
  return result.every(({ state }) => state === 'succeeded') ? ExitCode.ok : ExitCode.negative;
}

function leave(session: Session, ids: readonly string[], ending: Ending): number {
  const what = ids.length === 1 ? 'the rollout goes on' : `${ids.length} rollouts go on`;
  const look = ids.map((id) => `flaghoist rollout status ${id} --watch`).join('\n  ');
  session.note(
    `${ending === 'timeout' ? 'not finished in time' : 'not watching any more'}; ${what}:\n  ${look}\n`,
  );
  return ending === 'timeout' ? ExitCode.timeout : ExitCode.interrupted;
}

function tell(session: Session, rollouts: readonly RolloutDetail[]): void {
  const { io, style, options } = session;
  if (options.output !== undefined && options.output !== 'table' && options.output !== 'wide') return;
  const lines = renderOutcome(rollouts, { width: session.width(io.stdout), style });
  for (const { id, group, counts, planned, state, pause } of rollouts) {
    const why = pause === null ? '' : `: ${oneLine(pause.message)}`;
    lines.push(
      `rollout/${id} ${state}: ${counts.proven} of ${planned} agents of group ${group} prove that they run it${why}`,
    );
  }
  session.out(`${lines.join('\n')}\n`);
}

/** Follows a pin until the agent proves the revision or refuses it. */
export async function watchPin(
  session: Session,
  id: string,
  revision: number,
  timeout?: number,
): Promise<number> {
  const client = await session.client();
  const ours = ({ ledger }: AgentDetail) => ledger.find((entry) => entry.revision.revision === revision);
  const { result, ending } = await bounded(session, timeout, async (signal) => {
    let phase: string | undefined;
    for (;;) {
      const agent = await client.getAgent({ id });
      const entry = ours(agent);
      if (entry !== undefined && entry.phase !== phase) session.note(`agent/${id} ${entry.phase}\n`);
      phase = entry?.phase;
      if (phase === 'proven' || phase === 'failed' || signal.aborted) return agent;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  });
  const entry = ours(result);
  if (entry?.phase === 'proven') return ExitCode.ok;
  if (entry?.phase === 'failed') {
    const { stdout } = session.io;
    session.out(
      `${cut(`agent/${id} ${entry.reason}: ${oneLine(entry.errorMessage)}`, session.width(stdout))}\n`,
    );
    return ExitCode.negative;
  }
  session.note(`the pin stays: flaghoist agent show ${id}\n`);
  return ending === 'timeout' ? ExitCode.timeout : ExitCode.interrupted;
}

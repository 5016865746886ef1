/** Watching rollouts until they are decided: drawn in place at a terminal, line by line elsewhere. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApiError,
  allItems,
  type Client,
  type RolloutDetail,
  type RolloutEvent,
  type RolloutPart,
} from '@flaghoist/api';
import { CliError, ExitCode } from '../exit-code.ts';
import { cut } from '../output/text.ts';
import type { Session } from '../session.ts';
import { decisionLines, decisionRows } from './decisions.ts';
import { failedIn, renderLines, renderOutcome, renderRollout, summary, waysOut } from './view.ts';

/** Between two looks, milliseconds: as often as anybody can read; in a log, less often. */
const LOOK_MS = 250;
const LOOK_FOR_LOG_MS = 1_000;
/** Decisions shown of each rollout. */
const DECISIONS = 6;

const GOES_ON: ReadonlySet<RolloutPart['state']> = new Set(['running', 'baking', 'rolling-back'] as const);
/** A person stopped it, or is to look as planned: that is no outcome, and goes on. */
const isPersons = ({ state, pause }: RolloutPart): boolean =>
  state === 'paused' && (pause?.reason === 'gate' || pause?.reason === 'operator');

/** Whether there is more to see: of several, one that waits for a person is waited for while the others are well. */
const goesOn = (parts: readonly RolloutPart[]): boolean =>
  parts.some(({ state }) => GOES_ON.has(state)) ||
  (parts.some(isPersons) && parts.every((part) => isPersons(part) || part.state === 'succeeded'));

/** A rollout by itself, or those of a push to several groups. */
export const partsOf = ({ children, ...own }: RolloutDetail): readonly RolloutPart[] =>
  children.length > 0 ? children : [own as RolloutPart];

/** What is known of a rollout that is watched: the decisions are read again when something was decided. */
interface Seen {
  readonly part: RolloutPart;
  readonly decided: string;
  readonly log: readonly RolloutEvent[];
}

async function look(client: Client, part: RolloutPart, before: Seen | undefined, signal: AbortSignal): Promise<Seen> {
  const { id, state, stage, pause, watchedUntil, rollback } = part;
  // A retry shows in nothing else.
  const failed = rollback === null ? failedIn(part) : 0;
  const decided = JSON.stringify({ state, stage, pause, watchedUntil, rollback, failed });
  if (decided === before?.decided) return { ...before, part };
  const page = (cursor?: string) => client.listRolloutEvents({ id, kind: 'decisions', cursor }, { signal });
  return { part, decided, log: await allItems(page) };
}

/** All that is watched; what belongs to one push stands for itself. */
async function lookAt(
  client: Client,
  watched: readonly { readonly id: string }[],
  before: readonly Seen[] | undefined,
  signal: AbortSignal,
): Promise<readonly Seen[]> {
  const details = await Promise.all(watched.map(({ id }) => client.getRollout({ id }, { signal })));
  const known = (id: string) => before?.find(({ part }) => part.id === id);
  return Promise.all(details.flatMap(partsOf).map((part) => look(client, part, known(part.id), signal)));
}

function drawing(seen: readonly Seen[], now: number, width: number, rows: number): string[] {
  const whole = seen.flatMap(({ part, log }) => [
    ...renderRollout(part, now, width),
    ...decisionRows(log, DECISIONS).map((line) => cut(line, width)),
    ...wayOn(part).map((line) => cut(`  ${line}`, width)),
  ]);
  // What does not fit the screen could not be drawn over.
  const brief = () => renderLines(seen.map(({ part }) => part)).map((line) => cut(line, width));
  return (whole.length < rows ? whole : brief()).slice(0, rows - 1);
}

/** Each fact once: how far they are, each decision, each cause of failure as it first appears. */
function logLines(seen: readonly Seen[]): string[] {
  const several = seen.length > 1;
  return [
    ...seen.flatMap(({ part, log }) => decisionLines(log).map((line) => `${several ? `${part.group}  ` : ''}${line}`)),
    ...seen.flatMap(({ part }) =>
      part.failures.map(({ reason, message }) => `${part.group}  ✗ ${reason}: ${message.split('\n')[0]}`),
    ),
    ...renderLines(seen.map(({ part }) => part)),
    ...seen.flatMap(({ part }) => wayOn(part)),
  ];
}

/** What a person types whom it waits for. */
const wayOn = (part: RolloutPart): string[] => (isPersons(part) ? waysOut(part).slice(0, 1) : []);

/**
 * Follows rollouts until all are at rest, through gates and pauses of people. Resolves to the exit code: 0 when all
 * succeeded. A server that goes away meanwhile is waited for. @throws CliError when Ctrl-C or the timeout (milliseconds) ends the looking; the rollouts go
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
  let seen: readonly Seen[] | undefined;
  do {
    if (seen !== undefined)
      await sleep(stderr.isTTY ? LOOK_MS : LOOK_FOR_LOG_MS, undefined, { signal }).catch(() => undefined);
    let trouble: string[] = [];
    try {
      seen = await lookAt(client, watched, seen, signal);
    } catch (error) {
      if (signal.aborted) throw endOfPatience(watched, seen, interrupted.aborted);
      if (seen === undefined || !(error instanceof ApiError && error.code === 'unreachable')) throw error;
      trouble = ['  the server does not answer: trying again'];
    }
    const lines = stderr.isTTY ? drawing(seen, io.now(), stderr.width() - 1, stderr.rows()) : logLines(seen);
    stderr.draw([...lines, ...trouble]);
  } while (goesOn(seen.map(({ part }) => part)));
  const rollouts = seen.map(({ part }) => part);
  session.say(...rollouts.flatMap(renderOutcome), ...rollouts.map(summary));
  stderr.print(rollouts.flatMap(waysOut));
  return rollouts.every(({ state }) => state === 'succeeded') ? ExitCode.ok : ExitCode.negative;
}

function endOfPatience(
  [first, ...more]: readonly { readonly id: string }[],
  seen: readonly Seen[] | undefined,
  interrupted: boolean,
): CliError {
  const waits = seen?.some(({ part }) => isPersons(part)) ? 'waits for a person' : 'goes on';
  const one = `the rollout ${waits}: flaghoist rollout status ${first?.id} --watch`;
  const goesOn = more.length === 0 ? one : 'the rollouts go on: flaghoist rollout list';
  if (interrupted) return new CliError(`not watching any more; ${goesOn}`, ExitCode.interrupted);
  return new CliError(`not finished in time; ${goesOn}`, ExitCode.timeout);
}

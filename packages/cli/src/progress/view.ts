/** How rollouts look while they go on: pure functions of what the API told. */
import { stripVTControlCharacters } from 'node:util';
import type { Rollout, RolloutDetail } from '@flaghoist/api';
import { stateCell } from '../output/state.ts';
import type { Style } from '../output/style.ts';
import { cut, oneLine, plural, revisionText, roughly, widthOf } from '../output/text.ts';

/** What the view is drawn from. */
export interface Progress {
  readonly rollouts: readonly RolloutDetail[];
  /** False while the server does not answer: what is shown may be old, and that is said. */
  readonly connected: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

export interface Canvas {
  /** Columns of the terminal. */
  readonly width: number;
  readonly style: Style;
}

/** How many are done in which way: the parts of the bar. */
interface Parts {
  readonly total: number;
  readonly proven: number;
  readonly open: number;
  readonly failed: number;
  readonly out: number;
}

const sumOf = (counts: Partial<Rollout['counts']>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

/** How many agents it is about: late arrivals are told of beyond what was planned. */
export function totalOf({ counts, planned }: Pick<Rollout, 'counts' | 'planned'>): number {
  return Math.max(planned, sumOf(counts));
}

function partsOf({ counts, planned, inFlight }: RolloutDetail): Parts {
  return {
    total: totalOf({ counts, planned }),
    proven: counts.proven,
    open: inFlight,
    failed: counts.failed,
    out: counts.deferred + counts.skipped,
  };
}

function wordsOf(rollout: RolloutDetail, now: number, style: Style): string {
  const { total, proven, open, failed } = partsOf(rollout);
  const { deferred, skipped } = rollout.counts;
  const { text, paint } = stateCell(rollout.state, style);
  const left = rollout.eta === null ? 0 : Date.parse(rollout.eta) - now;
  return [
    total === 0 ? 'no agents yet' : `${proven}/${total} proven`,
    open > 0 ? style.busy(`↻ ${open} in flight`) : '',
    failed > 0 ? style.bad(`✗ ${failed} failed`) : '',
    deferred > 0 ? style.dim(`○ ${deferred} offline`) : '',
    skipped > 0 ? style.dim(`– ${skipped} left out`) : '',
    rollout.state === 'running' && left > 0 ? `about ${roughly(left)} left` : '',
    rollout.state === 'running' ? '' : paint(text),
  ]
    .filter((word) => word !== '')
    .join('  ');
}

/** A bar of exactly `width` characters. Each kind that there is takes at least one of them while there is room. */
export function bar(parts: Parts, width: number, style: Style): string {
  const kinds = [
    [parts.proven, '█', style.good],
    [parts.failed, '▚', style.bad],
    [parts.out, '─', style.dim],
    [parts.open, '▒', style.busy],
  ] as const;
  let left = width;
  const drawn = kinds.map(([count, character, paint]) => {
    const share = parts.total === 0 ? 0 : Math.floor((count / parts.total) * width);
    const length = Math.min(left, count > 0 ? Math.max(1, share) : 0);
    left -= length;
    return length === 0 ? '' : paint(character.repeat(length));
  });
  const done = parts.proven === parts.total && parts.total > 0;
  return `${drawn.join('')}${done ? style.good('█'.repeat(left)) : style.dim('░'.repeat(left))}`;
}

function titleOf({ group, target }: RolloutDetail): string {
  return `${group} → ${revisionText(target)}`;
}

/** The lines of the live view: a bar for each rollout, and why it stands still where it does. */
export function renderProgress({ rollouts, connected, now }: Progress, { width, style }: Canvas): string[] {
  const titles = Math.max(0, ...rollouts.map((rollout) => widthOf(titleOf(rollout))));
  const lines = rollouts.flatMap((rollout) => {
    const words = wordsOf(rollout, now, style);
    const room = width - titles - widthOf(words) - 4;
    const drawn = room < 8 ? '' : `${bar(partsOf(rollout), Math.min(room, 40), style)}  `;
    const line = `${titleOf(rollout).padEnd(titles)}  ${drawn}${words}`;
    const pause = rollout.pause === null ? [] : [style.warn(cut(`  paused: ${oneLine(rollout.pause.message)}`, width))];
    return [widthOf(line) > width ? cut(stripVTControlCharacters(line), width) : line, ...pause];
  });
  return connected ? lines : [...lines, style.warn(cut('  the server does not answer: trying again', width))];
}

/** One line for logs and pipes. */
export function renderLine(rollout: RolloutDetail, now: number, style: Style): string {
  const pause = rollout.pause === null ? '' : `: ${oneLine(rollout.pause.message)}`;
  return `${titleOf(rollout)}  ${wordsOf(rollout, now, style)}${pause}`;
}

/** Of those that are still missing; `rollout targets` lists them all. */
const MISSING_SHOWN = 5;

/** What failed and why, most frequent first, in the agents' own words; then who is still missing. */
export function renderOutcome(rollouts: readonly RolloutDetail[], { width, style }: Canvas): string[] {
  return rollouts.flatMap((rollout) => {
    const { failures, stragglers, group } = rollout;
    const lines = failures.flatMap(({ reason, message, count, examples }) => {
      const names = examples.map(({ name }) => oneLine(name)).join(', ');
      const more = count > examples.length ? ', …' : '';
      return [
        `  ${style.bad(`✗ ${plural(count, 'agent')}`)}  ${reason}  (${names}${more})`,
        // Verbatim and uncut: the end of it often is what matters.
        ...message
          .split('\n')
          .filter(Boolean)
          .map((line) => `      ${oneLine(line)}`),
      ];
    });
    const { proven, failed, skipped, ...open } = rollout.counts;
    const unnamed = Math.max(sumOf(open), stragglers.length) - MISSING_SHOWN;
    const missing = stragglers
      .slice(0, MISSING_SHOWN)
      .map(({ name, state, why }) => cut(`  · ${oneLine(name)}  ${state}: ${oneLine(why)}`, width));
    return [
      ...(lines.length === 0 ? [] : [style.bold(`${group}: what failed and why`), ...lines]),
      ...(missing.length === 0 ? [] : [style.bold(`${group}: still missing`), ...missing]),
      ...(missing.length === MISSING_SHOWN && unnamed > 0 ? [`  … and ${unnamed} more`] : []),
    ];
  });
}

/** How rollouts look while they go on, and what came of them: pure functions of what the API told. */
import type { Rollout, RolloutDetail } from '@flaghoist/api';
import { paint, paintState } from '../output/paint.ts';
import { cut, oneLine, plural, revisionText, roughly, widthOf } from '../output/text.ts';

/** How many agents it is about: late arrivals are told of beyond what was planned. */
export function totalOf({ counts, planned }: Rollout): number {
  const counted = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return Math.max(planned, counted);
}

/** What a rollout is made of: in the bar, and in the words beside it. */
function partsOf({ counts, inFlight }: Rollout) {
  const { proven, failed, deferred, skipped } = counts;
  return [
    { count: proven, look: 'good', block: '█', words: '' },
    { count: failed, look: 'bad', block: '▚', words: `✗ ${failed} failed` },
    { count: inFlight, look: 'busy', block: '▒', words: `↻ ${inFlight} in flight` },
    { count: deferred, look: 'dim', block: '─', words: `○ ${deferred} offline` },
    { count: skipped, look: 'dim', block: '─', words: `– ${skipped} left out` },
  ] as const;
}

/** A bar of exactly `width` characters. Each kind that there is takes at least one of them while there is room. */
export function bar(rollout: Rollout, width: number): string {
  const total = totalOf(rollout);
  let left = width;
  const drawn = partsOf(rollout).map(({ count, look, block }) => {
    const length = count > 0 ? Math.min(left, Math.max(1, Math.floor((count / total) * width))) : 0;
    left -= length;
    return paint(look, block.repeat(length));
  });
  return `${drawn.join('')}${paint('dim', '░'.repeat(left))}`;
}

function wordsOf(rollout: RolloutDetail, now: number): string {
  const { state, counts, eta } = rollout;
  const total = totalOf(rollout);
  const parts = partsOf(rollout).filter(({ count, words }) => count > 0 && words !== '');
  const left = Date.parse(eta ?? '') - now;
  return [
    total === 0 ? 'no agents yet' : `${counts.proven}/${total} proven`,
    ...parts.map(({ look, words }) => paint(look, words)),
    ...(left > 0 ? [`about ${roughly(left)} left`] : []),
    ...(state === 'running' ? [] : [paintState(state)]),
  ].join('  ');
}

/** A line for each rollout, with a bar where there is room, and why it stands still where it does. */
export function renderProgress(rollouts: readonly RolloutDetail[], now: number, width: number): string[] {
  const titles = rollouts.map(({ group, target }) => `${group} → ${revisionText(target)}`);
  const widest = Math.max(...titles.map(widthOf));
  return rollouts.flatMap((rollout, index) => {
    const words = wordsOf(rollout, now);
    const room = width - widest - widthOf(words) - 4;
    const drawn = room < 8 || width === Number.POSITIVE_INFINITY ? '' : `${bar(rollout, Math.min(room, 40))}  `;
    const line = `${titles[index]?.padEnd(widest)}  ${drawn}${words}`;
    const { pause } = rollout;
    const why = pause === null ? [] : [paint('warn', cut(`  paused: ${oneLine(pause.message)}`, width))];
    return [cut(line, width), ...why];
  });
}

/** What failed and why, most frequent first, in the agents' own words. */
export function renderOutcome({ failures, group }: RolloutDetail): string[] {
  const failed = failures.flatMap(({ reason, message, count, examples }) => {
    const names = examples.map(({ name }) => oneLine(name)).join(', ');
    const more = count > examples.length ? ', …' : '';
    // Verbatim and uncut: the end of it often is what matters.
    const lines = message.split('\n').filter(Boolean);
    return [
      `  ${paint('bad', `✗ ${plural(count, 'agent')}`)}  ${reason}  (${names}${more})`,
      ...lines.map((line) => `      ${oneLine(line)}`),
    ];
  });
  return failed.length === 0 ? [] : [paint('bold', `${group}: what failed and why`), ...failed];
}

/** How it stands, in one sentence. */
export function summary(rollout: RolloutDetail): string {
  const { id, group, target, counts, state, pause } = rollout;
  const total = totalOf(rollout);
  const all = `${counts.proven} of ${total} agents of group ${group} prove that they run it`;
  const none = `group ${group} has no agents yet; those that come will get ${revisionText(target)}`;
  const why = pause === null ? '' : `${oneLine(pause.message)}; `;
  return `rollout/${id} ${state}: ${why}${total === 0 ? none : all}`;
}

/** What works after a pause. */
export function waysOut({ state, group, target, from }: RolloutDetail): string[] {
  const on = `to go on, fix the text: flaghoist push FILE --configuration ${target.configuration} --group ${group}`;
  const back = from && `to go back: flaghoist rollout start --group ${group} --to ${revisionText(from)}`;
  const ways = state === 'paused' ? [on, back] : [];
  return ways.filter((way) => way !== null).map((way) => `${way} --supersede -m WHY`);
}

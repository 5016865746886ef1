/** How rollouts look while they go on, and what came of them: pure functions of what the API told. */
import type { RolloutPart } from '@flaghoist/api';
import { type Look, paint, paintState } from '../output/paint.ts';
import { cut, lasting, oneLine, plural, revisionText, widthOf } from '../output/text.ts';

/** `rollback` is there where all are taken back; else those who go back are the ones that failed. */
type Counted = Pick<RolloutPart, 'counts' | 'planned'> & { readonly rollback?: unknown };

/** How many agents it is about: late arrivals are told of beyond what was planned. */
export function totalOf({ counts, planned }: Counted): number {
  const counted = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return Math.max(planned, counted);
}

/** How many failed in a rollout that goes on, or went on: those too that were taken back for it. */
export const failedIn = ({ counts }: Pick<RolloutPart, 'counts'>): number =>
  counts.failed + counts.reverting + counts.reverted + counts['revert-unconfirmed'];

interface Piece {
  readonly count: number;
  readonly look: Look;
  readonly block: string;
  readonly words: string;
}

/** What a rollout or a stage is made of: in the bar, and in the words beside it. */
function piecesOf({ counts, rollback }: Omit<Counted, 'planned'>): readonly Piece[] {
  const { proven, inconclusive, deferred, skipped, reverting, reverted } = counts;
  const inFlight = counts.offered + counts.sent + counts.applying + counts.verifying;
  const unconfirmed = counts['revert-unconfirmed'];
  const returns = [
    { count: reverting, look: 'busy', block: '◂', words: `↩ ${reverting} going back` },
    { count: reverted, look: 'warn', block: '◂', words: `↩ ${reverted} back` },
    { count: unconfirmed, look: 'bad', block: '◂', words: `! ${unconfirmed} not confirmed back` },
  ] as const;
  const failed = rollback == null ? failedIn({ counts }) : counts.failed;
  const back = rollback == null && reverted > 0 ? ` (${reverted} back)` : '';
  return [
    { count: proven, look: 'good', block: '█', words: '' },
    { count: failed, look: 'bad', block: '▚', words: `✗ ${failed} failed${back}` },
    { count: inconclusive, look: 'warn', block: '▚', words: `? ${inconclusive} inconclusive` },
    { count: inFlight, look: 'busy', block: '▒', words: `↻ ${inFlight} in flight` },
    ...(rollback == null ? [] : returns),
    { count: deferred, look: 'dim', block: '─', words: `○ ${deferred} offline` },
    { count: skipped, look: 'dim', block: '─', words: `– ${skipped} left out` },
  ];
}

/** A bar of exactly `width` characters. Each kind that there is takes at least one of them while there is room. */
export function bar(counted: Counted, width: number): string {
  const total = totalOf(counted);
  let left = width;
  const drawn = piecesOf(counted).map(({ count, look, block }) => {
    const length = count > 0 ? Math.min(left, Math.max(1, Math.floor((count / total) * width))) : 0;
    left -= length;
    return paint(look, block.repeat(length));
  });
  return `${drawn.join('')}${paint('dim', '░'.repeat(left))}`;
}

/** `12/40 proven  ✗ 1 failed` */
function wordsOf(counted: Counted): string {
  const pieces = piecesOf(counted).filter(({ count, words }) => count > 0 && words !== '');
  return [
    `${counted.counts.proven}/${totalOf(counted)} proven`,
    ...pieces.map(({ look, words }) => paint(look, words)),
  ].join('  ');
}

const titleOf = ({ group, target }: RolloutPart): string => `${group} → ${revisionText(target)}`;
const left = (until: string | null, now: number): number => Date.parse(until ?? '') - now;

/** A line for each rollout, without anything that time alone changes: what a log gets. */
export function renderLines(rollouts: readonly RolloutPart[]): string[] {
  const widest = Math.max(...rollouts.map((one) => widthOf(titleOf(one))));
  return rollouts.flatMap((rollout) => {
    const { state, stage, stages, pause } = rollout;
    const open = state === 'running' && stages.length > 1 ? [`stage ${stages[stage]?.name}`] : [];
    const words = totalOf(rollout) === 0 ? 'no agents yet' : wordsOf(rollout);
    const end = state === 'running' ? [] : [paintState(state)];
    const why = pause === null ? [] : [paint('warn', `  ${state}: ${oneLine(pause.message || pause.reason)}`)];
    return [[titleOf(rollout).padEnd(widest), ...open, words, ...end].join('  '), ...why];
  });
}

/** Rows of a rollout at a terminal: its stages with bars, what it waits for, who is late, what failed. */
export function renderRollout(rollout: RolloutPart, now: number, width: number): string[] {
  const { state, from, strategy, eta } = rollout;
  const ends = left(eta, now) > 0 && state !== 'paused' ? [`about ${lasting(left(eta, now))} left`] : [];
  const facts = [from === null ? 'its first revision' : `from ${revisionText(from)}`, strategy.name];
  const head = [paint('bold', titleOf(rollout)), paint('dim', facts.join(', ')), paintState(state), ...ends].join('  ');
  const lines = [head, ...stageRows(rollout, width), ...situation(rollout, now), ...stragglerRows(rollout, now)];
  return [...lines, ...failureRows(rollout)].map((line) => cut(line, width));
}

const BAR = { most: 30, least: 8 };

function stageRows(rollout: RolloutPart, width: number): string[] {
  const { stages, stage: open, state, rollback } = rollout;
  if (totalOf(rollout) === 0) return ['  no agents yet'];
  const names = Math.max(...stages.map(({ name }) => name.length));
  const rows = stages.map((one, at) => {
    const stage = { ...one, rollback };
    return { stage, at, words: wordsOf(stage) };
  });
  const room = width - names - 8 - Math.max(...rows.map(({ words }) => widthOf(words)));
  const length = Number.isFinite(width) ? Math.min(room, BAR.most) : 0;
  return rows.map(({ stage, at, words }) => {
    const isOpen = at === open && (state === 'running' || state === 'paused');
    const mark = isOpen ? paint('busy', '▶') : at < open ? paint('good', '✓') : ' ';
    const drawn = length < BAR.least ? '' : `${bar(stage, length)}  `;
    const shown = at > open && stage.counts.proven === 0 ? paint('dim', words) : words;
    return `  ${mark} ${stage.name.padEnd(names)}  ${drawn}${shown}`;
  });
}

/** What it waits for now, and what to type to change that. */
function situation(rollout: RolloutPart, now: number): string[] {
  const { id, state, stage, stages, watchedUntil, pause, rollback } = rollout;
  const rest = left(watchedUntil, now) > 0 ? `${lasting(left(watchedUntil, now))} left` : 'ends now';
  const skip = paint('dim', `  to skip the rest: flaghoist rollout promote ${id}`);
  if (state === 'paused') return [paint('warn', `  paused: ${oneLine(pause?.message || pause?.reason || '')}`)];
  if (state === 'baking') return [`  bake: ${rest}, then it is the stable revision`, skip];
  if (state === 'rolling-back') {
    const due = lasting(Math.max(0, left(rollback?.deadline ?? null, now)));
    return [
      paint('warn', `  goes back: ${oneLine(rollback?.message ?? '')}`),
      `  what is not confirmed in ${due} is given up`,
      ...(rollback?.bounded ? [paint('dim', `  to hurry: flaghoist rollout rollback ${id} --at-once`)] : []),
    ];
  }
  if (state !== 'running' || watchedUntil === null) return [];
  const next = stages[stage + 1];
  const then = next === undefined ? 'the bake' : `stage ${next.name} (${plural(next.planned, 'agent')})`;
  return [`  soak: ${rest}, then ${then}`, skip];
}

function stragglerRows({ stragglers, state }: RolloutPart, now: number): string[] {
  if (stragglers.length === 0 || (state !== 'running' && state !== 'rolling-back')) return [];
  const widest = Math.max(...stragglers.map(({ name }) => widthOf(name)));
  const rows = stragglers.map(
    ({ name, since, reason }) =>
      `    ${oneLine(name).padEnd(widest)}  ${lasting(Math.max(0, -left(since, now))).padStart(6)}  ${oneLine(reason)}`,
  );
  return [paint('dim', '  on the way longest'), ...rows];
}

/** In a live view each cause has a line; the whole of what the agents said comes with the outcome. */
function failureRows({ failures }: RolloutPart): string[] {
  return failures.map(({ reason, message, count, examples }) => {
    const said = oneLine(message.split('\n').filter(Boolean)[0] ?? '');
    return `  ${paint('bad', `✗ ${count} ${reason}`)}  ${examples[0]?.name ?? ''}  ${said}`;
  });
}

/** What failed and why, most frequent first, in the agents' own words. */
export function renderOutcome({ failures, group }: RolloutPart): string[] {
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
export function summary(rollout: RolloutPart): string {
  const { id, group, target, counts, state, pause, rollback } = rollout;
  const total = totalOf(rollout);
  const back = `${counts.reverted} of ${counts.reverted + counts.reverting + counts['revert-unconfirmed']} went back`;
  const all =
    rollback === null
      ? `${counts.proven} of ${plural(total, 'agent')} of group ${group} ${counts.proven === 1 ? 'proves that it runs' : 'prove that they run'} it`
      : `${back}, proven`;
  const none = `group ${group} has no agents yet; those that come will get ${revisionText(target)}`;
  const said = pause?.message || rollback?.message || pause?.reason;
  const why = said === undefined ? '' : `${oneLine(said)}; `;
  return `rollout/${id} ${state}: ${why}${total === 0 ? none : all}`;
}

/** What works now, each as it is typed. */
export function waysOut({ id, state, pause, group, target, from, takesBack }: RolloutPart): string[] {
  if (state !== 'paused') return [];
  const canGoBack = from !== null && from.hash !== target.hash && takesBack === null;
  const go = pause?.reason === 'gate' ? 'promote' : 'resume';
  const accept = pause?.reason === 'gate' || pause?.reason === 'operator' ? '' : ', accepting that';
  const push = `flaghoist push FILE --configuration ${target.configuration} --group ${group} --supersede -m WHY`;
  return [
    `to go on${accept}: flaghoist rollout ${go} ${id}`,
    canGoBack
      ? `to go back to ${revisionText(from)}: flaghoist rollout rollback ${id} -m WHY`
      : `to leave it as it is: flaghoist rollout stop ${id} --leave-mixed -m WHY`,
    `with a mended text: ${push}`,
  ];
}

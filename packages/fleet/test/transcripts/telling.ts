/** What was decided, in sentences with the time; how agents get on is told together between two decisions. */
import type { RevisionRef } from '../../src/configurations/revision.ts';
import {
  inFlight,
  type Observation,
  OPEN,
  type Rollout,
  type RolloutEvent,
  TARGET_STATES,
} from '../../src/rollouts/rollout.ts';
import { formatDuration, type Instant } from '../../src/time.ts';
import { T0 } from '../samples.ts';
import type { Listener } from './fleet.ts';
import type { Host } from './host.ts';

const revisionText = ({ configuration, revision }: RevisionRef): string => `${configuration}@${revision}`;

/** Up to four by name. */
function named(ids: readonly string[]): string {
  return ids.length <= 4 ? ids.join(', ') : `${ids.length} agents`;
}

const agents = (count: number): string => (count === 1 ? '1 agent' : `${count} agents`);
const list = (words: readonly string[]): string => words.join(', ');
const quoted = (words: string): string => (words === '' ? '' : `: ${words}`);

/** How many agents are where, with those whose turn has not come. */
export function countsOf({ counts, targets }: Rollout, members: readonly Host[]): string {
  const pending = members.filter(({ id }) => !targets.has(id)).length;
  const told = TARGET_STATES.flatMap((state) => (counts[state] === 0 ? [] : `${counts[state]} ${state}`));
  return list([...told, ...(pending === 0 ? [] : [`${pending} pending`])]);
}

const stageText = ({ stages, stage }: Rollout): string =>
  stages[stage] ? `stage ${stages[stage].name}` : 'all stages passed';

export function stateText(rollout: Rollout): string {
  const { state, pause } = rollout;
  if (state === 'paused') return `paused (${pause?.reason}), ${stageText(rollout)}`;
  return state === 'running' ? `running, ${stageText(rollout)}` : state;
}

function started({ header }: Extract<RolloutEvent, { type: 'started' }>): string[] {
  const { from, target, strategy, planned, stages, carried, skipped } = header;
  const { maxInFlight, maxFailed, maxLost, maxDeferred } = header;
  const way = `${from === null ? 'nothing' : revisionText(from)} → ${revisionText(target)}`;
  const turns = list(stages.map(({ name, planned }) => `${name} ${planned}`));
  const left = Map.groupBy(skipped, ({ reason }) => reason);
  return [
    `STARTED ${way}, ${strategy.name}, ${agents(planned)}: ${turns}`,
    `at most in flight ${maxInFlight}, failed ${maxFailed}, lost ${maxLost}, left for later ${maxDeferred}`,
    ...(carried.length === 0 ? [] : [`still in flight of the last one, each in a place: ${named(carried)}`]),
    ...Array.from(left, ([reason, those]) => `left out (${reason}): ${named(those.map(({ agent }) => agent))}`),
  ];
}

/** The words of a decision; undefined for what only says how agents get on. */
function decision(before: Rollout, event: RolloutEvent, after: Rollout): string | undefined {
  const { strategy } = after;
  const stage = stageText(before);
  switch (event.type) {
    case 'soaking': {
      const away = event.deferred.length === 0 ? '' : `, ${named(event.deferred)} left for later`;
      const watch = (after.watchedUntil ?? 0) - after.lastProgress;
      return `${stage}: everybody has an outcome${away}; watched for ${formatDuration(watch)}`;
    }
    case 'advanced': {
      if (after.state === 'paused') return `${stage} has passed; PAUSED (gate)${quoted(after.pause?.message ?? '')}`;
      const next =
        after.state === 'baking' ? `baking for ${formatDuration(strategy.bake)}` : `${stageText(after)} opens`;
      return `${stage} has passed; ${next}`;
    }
    case 'paused':
      return `PAUSED (${event.reason})${quoted(event.message)}`;
    case 'resumed':
      return `resumed: ${stateText(after)}`;
    case 'promoted':
      return `promoted: ${stateText(after)}`;
    case 'succeeded':
      return `SUCCEEDED: ${revisionText(after.target)} is the stable revision of ${after.group}`;
    case 'rollback-started':
      return `ROLLING BACK${quoted(event.message)}; ${revisionText(after.target)} is condemned in ${after.group}`;
    case 'hurried':
      return 'everybody goes back at once';
    case 'rolled-back':
      return `${after.state.toUpperCase().replaceAll('-', ' ')}`;
    case 'stopped':
      return `STOPPED (${after.state})${quoted(event.message)}`;
    case 'superseded':
      return `SUPERSEDED by ${event.by}`;
    case 'retried':
      return `${named(event.agents)} asked once more`;
    default:
      return undefined;
  }
}

/** What happened to agents since the last line. */
interface Progress {
  readonly from: Instant;
  readonly until: Instant;
  readonly offered: readonly string[];
  readonly proven: readonly string[];
  readonly reverted: readonly string[];
  readonly mostInFlight: number;
  /** Outside of any rollout. */
  readonly caughtUp: readonly string[];
  readonly alone: readonly string[];
}

export class Telling implements Listener {
  readonly #lines: { readonly at: Instant; readonly text: string }[] = [];
  /** Whether there is more than one group to tell apart. */
  readonly #isMany: () => boolean;
  /** What the lane brings. */
  #lane = '';
  readonly #progress = new Map<string, Progress>();

  constructor(isMany: () => boolean) {
    this.#isMany = isMany;
  }

  /** What was said since the last call. */
  take(): string[] {
    for (const group of [...this.#progress.keys()]) this.#flush(group);
    const lines = this.#lines.splice(0).sort((a, b) => a.at - b.at);
    return lines.map(({ text }) => text);
  }

  rollout(before: Rollout | null, event: RolloutEvent, after: Rollout, now: Instant): void {
    if (event.type === 'started') for (const words of started(event)) this.#say(after.group, now, words);
    const words = before && decision(before, event, after);
    if (words) this.#say(after.group, now, words);
    if (event.type === 'admitted')
      this.#note(
        after.group,
        now,
        { offered: event.agents.map(({ agent, late }) => (late ? `${agent} (late)` : agent)) },
        after,
      );
    if (before && event.type === 'observed') this.#observed(before, after, event.changes, now);
    if (event.type === 'reverting') this.#reverting(after.group, event, now);
  }

  caughtUp({ id, agent }: Host, to: RevisionRef, now: Instant): void {
    this.#lane = revisionText(to);
    this.#note(agent.identity.group?.name ?? '', now, { caughtUp: [id] });
  }

  proven({ id, agent }: Host, now: Instant): void {
    this.#note(agent.identity.group?.name ?? '', now, { alone: [id] });
  }

  #observed({ carried }: Rollout, after: Rollout, changes: readonly Observation[], now: Instant): void {
    const own = changes.filter(({ agent }) => !carried.has(agent));
    for (const { agent, state } of changes)
      if (carried.has(agent) && !after.carried.has(agent))
        this.#say(after.group, now, `${agent} of the last one ${state}: its place is free`);
    const are = (state: Observation['state']) => own.filter((one) => one.state === state).map(({ agent }) => agent);
    this.#note(after.group, now, { proven: are('proven'), reverted: are('reverted') }, after);
    const told = own.filter(({ state }) => !OPEN.has(state as never) && state !== 'proven' && state !== 'reverted');
    const alike = Map.groupBy(
      told,
      ({ state, reason, message }) => `${state}${reason ? ` (${reason})` : ''}${quoted(message)}`,
    );
    for (const [what, those] of alike) this.#say(after.group, now, `${named(those.map(({ agent }) => agent))} ${what}`);
  }

  #reverting(group: string, { agents }: Extract<RolloutEvent, { type: 'reverting' }>, now: Instant): void {
    const where = Map.groupBy(agents, ({ to, reason }) =>
      to === null ? `stays (${reason})` : `ordered back to ${revisionText(to)}`,
    );
    for (const [what, those] of where) this.#say(group, now, `${named(those.map(({ agent }) => agent))} ${what}`);
  }

  #note(group: string, now: Instant, news: Partial<Progress>, rollout?: Rollout): void {
    if (Object.values(news).every((those) => Array.isArray(those) && those.length === 0)) return;
    const known = this.#progress.get(group);
    const both = (what: 'offered' | 'proven' | 'reverted' | 'caughtUp' | 'alone') => [
      ...(known?.[what] ?? []),
      ...(news[what] ?? []),
    ];
    const own = { offered: both('offered'), proven: both('proven'), reverted: both('reverted') };
    const beside = { caughtUp: both('caughtUp'), alone: both('alone') };
    const mostInFlight = Math.max(known?.mostInFlight ?? 0, rollout ? inFlight(rollout) : 0);
    this.#progress.set(group, { from: known?.from ?? now, until: now, ...own, ...beside, mostInFlight });
  }

  #flush(group: string): void {
    const progress = this.#progress.get(group);
    if (progress === undefined) return;
    this.#progress.delete(group);
    const { from, until, offered, proven, reverted, caughtUp, alone, mostInFlight } = progress;
    const pace = offered.length > 1 ? `, at most ${mostInFlight} in flight` : '';
    const words = [
      offered.length > 0 ? `offered to ${named(offered)}${pace}` : '',
      proven.length > 0 ? `${named(proven)} proven` : '',
      reverted.length > 0 ? `${named(reverted)} back, proven` : '',
      caughtUp.length > 0 ? `catch-up lane: ${this.#lane} for ${named(caughtUp)}` : '',
      alone.length > 0 ? `${named(alone)} proven outside of a rollout` : '',
    ];
    this.#line(group, from, until, words.filter(Boolean).join('; '));
  }

  #say(group: string, now: Instant, words: string): void {
    this.#flush(group);
    this.#line(group, now, now, words);
  }

  #line(group: string, from: Instant, until: Instant, words: string): void {
    const time = from === until ? clock(from) : `${clock(from)} to ${clock(until)}`;
    this.#lines.push({ at: from, text: `  ${time.padEnd(20)}${this.#isMany() ? `${group}: ` : ''}${words}` });
  }
}

/** Hours, minutes and seconds since the beginning. */
function clock(at: Instant): string {
  const seconds = Math.round((at - T0) / 1_000);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/**
 * The language of the transcripts: a line that begins with `>` is told to a fleet, and what was decided stands behind it.
 * The other lines are left as they are. COMMANDS is the whole language; SUBJECT says of whom one speaks.
 */

import type { RevisionRef } from '../../src/configurations/revision.ts';
import { FleetError } from '../../src/errors.ts';
import { stageOf } from '../../src/rollouts/plan.ts';
import { isExposed, OPEN, type Rollout, TERMINAL } from '../../src/rollouts/rollout.ts';
import { strategyNamed, withOverrides } from '../../src/rollouts/strategy.ts';
import type { Verb } from '../../src/rollouts/verbs.ts';
import { parseDuration } from '../../src/time.ts';
import { rank } from '../rollouts.ts';
import { revision } from '../samples.ts';
import { Fleet } from './fleet.ts';
import { Host, type Manner } from './host.ts';
import { countsOf, stateText, Telling } from './telling.ts';

/** Before everything else. */
const LONG_AGO = 1;

type Run = (fleet: Fleet, ...parts: string[]) => void;
type Parts<F extends (...args: never[]) => void> = Parameters<F> extends [unknown, ...infer Rest] ? Rest : never;

const number = (text: string): number => Number.parseInt(text, 10);
/** `edge@2`; the configuration is always `edge`, the number tells revisions apart. */
const revisionOf = (text: string): RevisionRef => revision(number(text.replace(/^edge@/, '')));

/** A fleet of so many agents has names as long as its last one has. */
function join(fleet: Fleet, count: string, group: string, last: string | undefined, since = LONG_AGO): void {
  const before = fleet.hosts.length;
  for (let n = before + 1; n <= before + number(count); n += 1) {
    const id = `agent-${String(n).padStart(2, '0')}`;
    fleet.hosts.push(new Host(id, group, last === undefined ? null : revisionOf(last), since));
  }
  if (!fleet.groups.has(group))
    fleet.groups.set(group, {
      name: group,
      stable: last === undefined ? null : revisionOf(last),
      condemned: new Set(),
    });
  fleet.settle();
}

// ---- Of whom one speaks.

/** `agent-07`, `agent-07 and agent-09`, `the canary`, `3 untouched agents`, `2 agents of stage 25%`, `all in flight in eu`, `everybody`. */
function subject(fleet: Fleet, text: string): Host[] {
  if (/^agent-\d/.test(text)) return text.split(/, | and /).map((id) => known(fleet, id));
  const words =
    /^(?:(the|all|everybody|\d+) ?)(canary|untouched|in flight|proven|failed|)(?: agents?)?(?: in (\S+))?$/.exec(text);
  const [, some, stage] = /^(\d+) agents? of stage (\S+)$/.exec(text) ?? [];
  if (some !== undefined) return toCome(fleet, stage ?? '', number(some));
  if (words === null) throw new Error(`of whom: ${text}?`);
  const [, count = '', what = '', group] = words;
  const those = fleet.hosts.filter(({ agent }) => group === undefined || agent.identity.group?.name === group);
  const all = those.filter((host) => isA(fleet, host, what)).sort((a, b) => (a.id < b.id ? -1 : 1));
  const chosen = /\d/.test(count) ? all.slice(0, number(count)) : all;
  if (chosen.length === 0 || chosen.length < number(count)) throw new Error(`there are ${all.length}: ${text}`);
  return chosen;
}

const known = (fleet: Fleet, id: string): Host => {
  const host = fleet.host(id);
  if (host === undefined) throw new Error(`who is ${id}?`);
  return host;
};

/** Those of a stage whose turn comes next. */
function toCome(fleet: Fleet, stage: string, count: number): Host[] {
  const rollout = fleet.active()[0] as Rollout;
  const rankOf = ({ id }: Host) => rank(rollout.seed, id);
  const isIn = (host: Host) => rollout.stages[stageOf(rollout, host.id, () => rankOf(host), false)]?.name === stage;
  const waiting = fleet.membersOf(rollout.group).filter((host) => !rollout.targets.has(host.id) && isIn(host));
  return waiting.sort((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1)).slice(0, count);
}

function isA(fleet: Fleet, { id, agent }: Host, what: string): boolean {
  const rollout = fleet.activeOf(agent.identity.group?.name ?? '');
  const target = rollout?.targets.get(id);
  if (what === '') return true;
  if (what === 'canary') return rollout?.canary.includes(id) === true;
  if (what === 'untouched') return target === undefined || !isExposed(target);
  if (what === 'in flight') return rollout?.carried.has(id) || (target !== undefined && OPEN.has(target.state));
  return target?.state === what;
}

// ---- What people ask.

/** Of one rollout; of all of a push, or of the only one, when none is named. */
function ask(fleet: Fleet, group: string | undefined, verb: (rollout: Rollout) => Verb): void {
  const asked = fleet.active().filter((rollout) => group === undefined || rollout.group === group);
  if (asked.length === 0) throw new Error('no rollout is active');
  for (const rollout of asked) fleet.ask(rollout, verb(rollout));
}

/** `maxFailed 2`, `gate after 5%`, `on failure pause`. */
function withWishes(name: string, wishes: string) {
  const over = wishes
    .split(/, | and /)
    .filter(Boolean)
    .map((wish) => {
      const [, setting = '', count = ''] = /^(maxInFlight|maxFailed|maxLost|maxDeferred) (\d+)$/.exec(wish) ?? [];
      if (setting !== '') return { [setting]: { count: number(count) } };
      const [, after] = /^gate after (\S+)$/.exec(wish) ?? [];
      if (after !== undefined) return { gates: [{ after: after as '5%', type: 'manual' as const }] };
      if (wish === 'on failure pause') return { onFailure: 'pause' as const };
      throw new Error(`what does ${wish} mean?`);
    });
  return withOverrides(strategyNamed(name), Object.assign({}, ...over));
}

function start(fleet: Fleet, to: string, strategy: string, groups = 'edge', wishes = '', supersede = ''): void {
  const names = groups.split(' and ');
  const parent = names.length > 1 ? 'push' : null;
  for (const group of names) {
    const id = `r-${fleet.rollouts.size + 1}`;
    const supersedes = supersede === '' ? null : (fleet.activeOf(group)?.id ?? null);
    const from = fleet.groups.get(group)?.stable ?? null;
    const settings = {
      strategy: withWishes(strategy, wishes),
      seed: id,
      author: 'ada',
      message: '',
      supersedes,
      parent,
      takesBack: null,
    };
    fleet.start({ id, group, target: revisionOf(to), from, ...settings });
  }
}

// ---- The language.

const behaves =
  (manner: (words: string) => Manner): Run =>
  (fleet, who = '', words = '') => {
    for (const host of subject(fleet, who)) host.manner = manner(words);
  };

const does =
  (act: (host: Host, now: number, words: string) => void): Run =>
  (fleet, who = '', words = '') => {
    for (const host of subject(fleet, who)) act(host, fleet.now, words);
    fleet.settle();
  };

const failing = (host: Host, now: number, words: string): void => {
  if (host.inbox === null) throw new Error(`${host.id} was sent nothing that it has not answered`);
  host.refuse(host.inbox, words, now);
};

const COMMANDS: readonly (readonly [RegExp, Run])[] = [
  // Who is there. An agent runs a revision for long, proven, or its own files.
  [
    /^(\d+) agents? in (\S+) (?:on (edge@\d+)|with files of their own)$/,
    (fleet, count = '', group = '', last) => join(fleet, count, group, last),
  ],
  [/^an agent joins (\S+)(?: on (edge@\d+))?$/, (fleet, group = '', last) => join(fleet, '1', group, last, fleet.now)],
  // How they answer what they will be sent; without a word they apply it in 5 s.
  [/^(.+) will apply it$/, behaves(() => 'applies')],
  [/^(.+) will answer nothing$/, behaves(() => 'waits')],
  [/^(.+) will refuse it: "(.*)"$/, behaves((refuses) => ({ refuses }))],
  [/^(.+) will be ill with it: "(.*)"$/, behaves((illWith) => ({ illWith }))],
  [/^(.+) will vanish with it$/, behaves(() => 'vanishes')],
  // What they do now.
  [/^(.+) appl(?:y|ies) it$/, does((host, now) => host.answer('applies', now))],
  [/^(.+) says? FAILED "(.*)"$/, does(failing)],
  [/^(.+) falls? ill: "(.*)"$/, does((host, now, words) => host.feel(words, now))],
  [/^(.+) recovers?$/, does((host, now) => host.feel(null, now))],
  [/^(.+) go(?:es)? away$/, does((host, now) => host.leave(now))],
  [/^(.+) comes? back$/, does((host, now) => host.comeBack(now))],
  // What people ask, of the rollout of a group where there is more than one.
  [
    /^start (edge@\d+) (\S+?)(?: in (\S+(?: and \S+)*?))?(?: with (.+?))?( superseding)?$/,
    (fleet, ...words) => start(fleet, ...(words as Parts<typeof start>)),
  ],
  [/^pause(?: (\S+))?$/, (fleet, group) => ask(fleet, group, () => ({ verb: 'pause', message: 'asked for' }))],
  [/^resume(?: (\S+))?$/, (fleet, group) => ask(fleet, group, () => ({ verb: 'resume' }))],
  [/^promote(?: (\S+))?$/, (fleet, group) => ask(fleet, group, () => ({ verb: 'promote' }))],
  [
    /^roll back(?: (\S+))?: "(.*)"$/,
    (fleet, group, message = '') => ask(fleet, group, () => ({ verb: 'rollback', message, atOnce: false })),
  ],
  [
    /^stop and leave it mixed: "(.*)"$/,
    (fleet, message = '') => ask(fleet, undefined, () => ({ verb: 'stop', message, leaveMixed: true })),
  ],
  [
    /^retry (.+)$/,
    (fleet, who = '') =>
      ask(fleet, undefined, () => ({ verb: 'retry', agents: subject(fleet, who).map(({ id }) => id) })),
  ],
  [/^wait (\S+)$/, (fleet, time = '') => fleet.wait(parseDuration(time) ?? Number.NaN)],
];

function run(fleet: Fleet, line: string): string[] {
  for (const [pattern, act] of COMMANDS) {
    const words = pattern.exec(line);
    if (words === null) continue;
    try {
      act(fleet, ...words.slice(1));
      return [];
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      return [`  refused (${error.code}): ${error.message}`];
    }
  }
  throw new Error('no command is like this');
}

function standing({ groups, membersOf }: Fleet, rollout: Rollout): string {
  const who = groups.size > 1 ? `${rollout.group} ` : '';
  return `  = ${who}${stateText(rollout)}: ${countsOf(rollout, membersOf(rollout.group))}`;
}

/** The transcript as it should stand: its own commands and comments, and behind each command what is decided now. */
export function transcriptOf(written: string): string {
  const telling = new Telling(() => fleet.groups.size > 1);
  const fleet: Fleet = new Fleet(telling);
  /** What was said last of how it stands, so that it is said once. */
  let before: string[] = [];
  const lines = written.split('\n').flatMap((line, at) => {
    if (!line.startsWith('>')) return /^\s+\S/.test(line) ? [] : [line];
    try {
      const going = new Set(fleet.active().map(({ id }) => id));
      const refused = run(fleet, line.slice(1).trim());
      const told = [...telling.take(), ...refused];
      const stands = [...fleet.rollouts.values()]
        .filter(({ id, state }) => going.has(id) || !TERMINAL.has(state))
        .filter(({ state }) => state !== 'superseded')
        .map((one) => standing(fleet, one))
        .filter((one) => !before.includes(one));
      before = [...before, ...stands].slice(-fleet.groups.size);
      return [line, ...told, ...stands];
    } catch (cause) {
      throw new Error(`line ${at + 1}: ${line}: ${(cause as Error).message}`, { cause });
    }
  });
  return lines.join('\n');
}

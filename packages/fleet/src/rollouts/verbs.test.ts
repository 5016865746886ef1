/** What people may ask, in each state (A.7). */
import { describe, expect, test } from 'vitest';
import {
  AT_ONCE,
  admitted,
  after,
  around,
  canaryPassed,
  decided,
  failing,
  IN,
  NOW,
  observe,
  ordered,
  paused,
  proving,
  soaking,
  started,
} from '../../test/rollouts.ts';
import { B } from '../../test/samples.ts';
import { inFlight, ROLLOUT_STATES, type Rollout, TERMINAL } from './rollout.ts';
import { step } from './transitions.ts';
import { eventOf, type Verb } from './verbs.ts';

const PAUSE: Verb = { verb: 'pause', message: 'lunch' };
const RESUME: Verb = { verb: 'resume' };
const PROMOTE: Verb = { verb: 'promote' };
const ROLLBACK: Verb = { verb: 'rollback', message: 'bad', atOnce: false };
const STOP: Verb = { verb: 'stop', message: 'enough', leaveMixed: false };
const LEAVE_MIXED: Verb = { ...STOP, leaveMixed: true };
const retry = (...agents: string[]): Verb => ({ verb: 'retry', agents });

/** What it leads to: a state, `no event` when it is so already, or the refusal. */
function answer(rollout: Rollout, asked: Verb): string {
  try {
    const event = eventOf(rollout, asked);
    return event === undefined ? 'no event' : step(rollout, event, NOW).state;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('each verb in each active state', () => {
  test.each([
    [PAUSE, { running: 'paused', paused: 'no event', baking: 'paused', 'rolling-back': 'that is not paused' }],
    [RESUME, { running: 'no event', paused: 'running', baking: 'no event', 'rolling-back': 'start another one' }],
    [
      PROMOTE,
      {
        running: 'agents left that must prove',
        paused: 'rollout resume r-1 lets it go on',
        baking: 'baking',
        'rolling-back': 'it is being taken back',
      },
    ],
    [ROLLBACK, { running: 'rolling-back', paused: 'rolling-back', baking: 'rolling-back', 'rolling-back': 'no event' }],
    [
      STOP,
      {
        running: 'rollout rollback r-1 takes them back, stop --leave-mixed leaves them',
        paused: '4 of 5 agents that had their turn have the new revision',
        baking: '1 of 1 agents',
        'rolling-back': 'let it end',
      },
    ],
    [LEAVE_MIXED, { running: 'stopped-mixed', paused: 'stopped-mixed', baking: 'stopped-mixed' }],
  ] as const)('%o', (asked, answers) => {
    for (const [state, told] of Object.entries(answers))
      expect(answer(IN[state as keyof typeof answers](), asked), state).toContain(told);
  });

  test('nothing is asked of one that has ended', () => {
    const ended = ROLLOUT_STATES.filter((state) => TERMINAL.has(state));
    for (const state of ended)
      for (const asked of [PAUSE, RESUME, PROMOTE, ROLLBACK, STOP, LEAVE_MIXED, retry()])
        expect(answer(IN[state](), asked)).toBe(`rollout r-1 has ended (${state})`);
  });

  test('a verb is an event that the machine takes', () => {
    for (const state of ROLLOUT_STATES.filter((each) => !TERMINAL.has(each))) {
      for (const asked of [PAUSE, RESUME, PROMOTE, ROLLBACK, { ...ROLLBACK, atOnce: true }, STOP, LEAVE_MIXED])
        expect(answer(IN[state](), asked)).not.toContain('cannot happen');
    }
  });
});

test('pause and resume change nothing else, however often', () => {
  const before = IN.running();
  const twice = [PAUSE, PAUSE, RESUME, RESUME].reduce((rollout, asked) => {
    const event = eventOf(rollout, asked);
    return event === undefined ? rollout : step(rollout, event, NOW);
  }, before);
  expect(twice).toEqual({ ...before, version: before.version + 2 });
});

test('paused, those in flight may finish, and nobody is admitted', () => {
  const rollout = after(IN.running(), paused(), observe('b', 'proven'));
  expect(rollout).toMatchObject({ state: 'paused', counts: { proven: 5, offered: 0 } });
  const member = { agent: {}, presence: {} } as never;
  expect(decided(rollout, around({ waiting: () => [member] }), NOW + 3_600_000)).toBe(rollout);
});

describe('promote', () => {
  test('ends a soak, the bake, and opens a gate', () => {
    const soaks = after(started(), ...proving('c1', 'c2', 'c3'), soaking);
    expect(step(soaks, { type: 'promoted' }, NOW)).toMatchObject({ stage: 1, watchedUntil: null });
    const promoted = after(IN.baking(), { type: 'promoted' });
    expect(decided(promoted, around(), NOW).state).toBe('succeeded');
    const gate = after(canaryPassed(), paused('gate'));
    expect(answer(gate, PROMOTE)).toBe('running');
    expect(answer(gate, RESUME)).toContain('rollout promote r-1 opens it');
  });
});

describe('rollback', () => {
  test('at once lifts the bound, also later', () => {
    const rolling = IN['rolling-back']();
    const event = eventOf(rolling, { ...ROLLBACK, atOnce: true });
    expect(event).toEqual({ type: 'hurried' });
    const hurried = step(rolling, { type: 'hurried' }, NOW);
    expect(hurried.rollback?.bounded).toBe(false);
    expect(eventOf(hurried, { ...ROLLBACK, atOnce: true })).toBeUndefined();
  });

  test('is refused where there is nothing else to go back to (I9)', () => {
    for (const over of [{ from: null }, { from: B }, { takesBack: 'r-0' }])
      expect(answer(canaryPassed(over), ROLLBACK)).toContain('rollout stop r-1 --leave-mixed');
  });
});

describe('stop', () => {
  test('is a cancellation while nobody was sent it', () => {
    expect(answer(after(started(), admitted('c1')), STOP)).toBe('cancelled');
    expect(answer(after(started(), admitted('c1'), observe('c1', 'sent')), STOP)).toContain('1 of 1 agents');
    const back = after(started(), admitted('c1'), failing('c1'), ordered('c1'));
    expect(answer(back, STOP)).toContain('1 of 1 agents');
    expect(answer(after(back, observe('c1', 'reverted')), STOP)).toBe('stopped-mixed');
  });
});

describe('retry (I5)', () => {
  const failed = () => after(canaryPassed({ maxFailed: 5 }), ...proving('p'), admitted('a'), failing('a'));

  test('gives a failed agent a place; its failure stays counted (I1, I4)', () => {
    const again = step(failed(), eventOf(failed(), retry('a', 'a')) as never, NOW);
    expect(again).toMatchObject({ counts: { offered: 1, failed: 0 }, spent: { failed: 1 } });
    expect(inFlight(again)).toBe(1);
    expect(after(again, failing('a')).spent.failed).toBe(2);
    expect(after(again, observe('a', 'proven')).counts.proven).toBe(5);
  });

  test('not of others, nor beyond the bound, nor on the way back', () => {
    expect(answer(failed(), retry('p'))).toContain('agent p has not failed');
    expect(() => step(failed(), { type: 'retried', agents: ['p'] }, NOW)).toThrow('agent p has not failed');
    const full = after(failed(), admitted('b', 'd', 'e', 'f', 'g'));
    expect(answer(full, retry('a'))).toContain('0 of 5 places are free (I1)');
    expect(() => step(full, { type: 'retried', agents: ['a'] }, NOW)).toThrow('(I1)');
    expect(answer(IN['rolling-back'](), retry('a'))).toContain('being taken back');
    expect(answer(failed(), retry())).toBe('no event');
  });

  test('while it bakes, the bake waits for its outcome', () => {
    const bakes = after(started({ ...AT_ONCE, maxFailed: 5 }), ...proving('p'), admitted('a'), failing('a'), soaking, {
      type: 'advanced',
    });
    const asked = after(bakes, { type: 'retried', agents: ['a'] });
    expect(decided(asked, around(), NOW).state).toBe('baking');
    expect(decided(after(asked, observe('a', 'proven')), around(), NOW).state).toBe('succeeded');
  });
});

import { expect, test } from 'vitest';
import { advanced, after, canaryPassed, IN, paused, promoted } from '../../test/rollouts.ts';
import type { Rollout } from './rollout.ts';
import { checkSeen, type Seen } from './seen.ts';

const seenOf = ({ id, state, stage, pause }: Rollout): Seen => ({
  ...{ rollout: id, state, stage },
  reason: pause?.reason ?? null,
});

test('what was looked at and has not changed may be asked for', () => {
  for (const at of [IN.running(), IN.paused(), IN.baking()]) expect(() => checkSeen(at, [seenOf(at)])).not.toThrow();
});

test('a gate that somebody else opened meanwhile: the soak behind it is not ended by who comes late', () => {
  const gate = { ...canaryPassed(), state: 'paused', pause: { reason: 'gate', message: '' } } as const;
  const opened = after(gate, promoted);
  expect(opened.stage).toBe(gate.stage);
  expect(() => checkSeen(opened, [seenOf(gate)])).toThrow(/moved on.*running, stage 25% now: look again/);
});

test('another stage, another reason, or one that was not looked at', () => {
  const running = canaryPassed();
  expect(() => checkSeen(after(running, { type: 'soaking', deferred: [] }, advanced), [seenOf(running)])).toThrow(
    /100%/,
  );
  const lost = after(running, paused('lost'));
  expect(() => checkSeen(after(running, paused('threshold')), [seenOf(lost)])).toThrow(/paused \(threshold\)/);
  expect(() => checkSeen(running, [])).toThrow(/moved on/);
});

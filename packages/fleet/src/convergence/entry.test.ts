import { describe, expect, test } from 'vitest';
import { B, entry, ROLLOUT, T0, TERMS } from '../../test/samples.ts';
import { extendDeadline, markSent, openEntry, withoutAbsence } from './entry.ts';
import { isOpen, PHASES } from './ledger.ts';

test('an open entry has nothing but its beginning', () => {
  const fresh = openEntry({ revision: B, source: ROLLOUT, generation: 3, terms: TERMS, offeredAt: T0, baseline: null });
  expect(fresh).toMatchObject({
    phase: 'offered',
    revision: B,
    source: ROLLOUT,
    generation: 3,
    terms: TERMS,
    offeredAt: T0,
  });
  const { sentAt, receivedAt, applyingAt, appliedAt, failure, effective, healthySince, provenAt, deadline } = fresh;
  for (const moment of [
    sentAt,
    receivedAt,
    applyingAt,
    appliedAt,
    failure,
    effective,
    healthySince,
    provenAt,
    deadline,
  ])
    expect(moment).toBeNull();
});

test('in flight is every phase between the decision and the outcome', () => {
  expect(PHASES.filter((phase) => !isOpen(entry(phase)))).toEqual(['proven', 'failed']);
});

describe('markSent', () => {
  test.each(PHASES)('from %s: a fresh attempt with a deadline, and nothing left of the last one', (phase) => {
    const sent = markSent(entry(phase, { sends: 2 }), 'e2', T0 + 500);
    expect(sent).toMatchObject({
      phase: 'sent',
      sentAt: T0 + 500,
      sentEpoch: 'e2',
      sends: 3,
      failure: null,
      deadline: T0 + 500 + TERMS.applyTimeout,
    });
    const { receivedAt, applyingAt, appliedAt, healthySince, provenAt } = sent;
    expect([receivedAt, applyingAt, appliedAt, healthySince, provenAt]).toEqual([null, null, null, null, null]);
  });
});

describe('extendDeadline (I10)', () => {
  test('gives the grace and a whole apply timeout from now', () => {
    expect(extendDeadline(entry('applying'), T0 + 200_000, 60_000, 3)).toMatchObject({
      deadline: T0 + 380_000,
      extensions: 1,
    });
  });
  test('and for a proof the whole window, because its continuity is lost with us', () => {
    expect(extendDeadline(entry('verifying'), T0 + 100_000, 60_000, 3).deadline).toBe(
      T0 + 100_000 + 60_000 + 120_000 + 60_000,
    );
  });
  test('never shortens, and does not count when it changes nothing', () => {
    const far = entry('applying', { deadline: T0 + 1e9 });
    expect(extendDeadline(far, T0, 60_000, 3)).toBe(far);
  });
  test('at most as often as allowed', () => {
    const worn = entry('applying', { extensions: 3 });
    expect(extendDeadline(worn, T0 + 200_000, 60_000, 3)).toBe(worn);
  });
  test.each(['offered', 'proven', 'failed'] as const)('%s has none to move', (phase) => {
    const settled = entry(phase);
    expect(extendDeadline(settled, T0 + 200_000, 60_000, 3)).toBe(settled);
  });
});

describe('withoutAbsence (I11)', () => {
  test('the window of a proof moves by the time in which we did not listen', () => {
    const proving = entry('verifying', { healthySince: T0 });
    expect(withoutAbsence(proving, T0 + 70_000, 66_000)).toEqual({ ...proving, healthySince: T0 + 66_000 });
  });
  test('never into the future, for who is well since we listen again', () => {
    const proving = entry('verifying', { healthySince: T0 + 69_999 });
    expect(withoutAbsence(proving, T0 + 70_000, 66_000).healthySince).toBe(T0 + 70_000);
  });
  test.each([entry('verifying', { healthySince: null }), entry('proven', { healthySince: T0 })])(
    'nothing else has one ($phase)',
    (other) => expect(withoutAbsence(other, T0 + 70_000, 66_000)).toBe(other),
  );
});

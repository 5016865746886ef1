import { fingerprint } from '../fingerprint.ts';
import type { AgentToServer } from '../generated/opamp/v1/opamp_pb.js';
import type { SessionLimits } from '../limits.ts';
import type { MessageInput } from './input.ts';
import type { Session, Stream } from './session.ts';

/**
 * What the number of a message says about it:
 * - `first`: nothing to compare with; any first number is right (A6).
 * - `fits`: exactly one more than the last.
 * - `poll`: uid only; carries no number (A4).
 * - `repeat`: the very bytes taken in last (S-054).
 * - `reboot`: the count began anew, at 0 or 1 (S-096). A client that sends the same number always never reboots.
 * - `gap`: any other number (S-088).
 * - `intruder`: over HTTP, the younger of two agents taking turns under this uid, whose numbers have crossed twice (S-084).
 */
export type Verdict = 'first' | 'fits' | 'poll' | 'repeat' | 'reboot' | 'gap' | 'intruder';

export type Count = Pick<
  Session,
  'nextSequence' | 'lastMessage' | 'streams' | 'rank' | 'crossings' | 'boots'
>;

/** Judge the number of a message; `count` is what has to be remembered, the given session when nothing has. */
export function readSequence(
  session: Session,
  input: MessageInput,
  limits: SessionLimits,
): { readonly verdict: Verdict; readonly count: Count } {
  const { message, payload, link } = input;
  if (isPoll(message)) return { verdict: 'poll', count: session };
  const lastMessage = fingerprint(payload);
  if (lastMessage === session.lastMessage) return { verdict: 'repeat', count: session };

  const number = message.sequenceNum;
  const expected = session.nextSequence;
  const nextSequence = BigInt.asUintN(64, number + 1n);
  const { streams, rank, crossings, boots } = session;
  const count: Count = { nextSequence, lastMessage, streams, rank, crossings, boots };
  if (expected === undefined) return { verdict: 'first', count };
  if (number === expected) {
    // A displaced run that waits for this number cannot be told apart any more.
    const apart = streams.some(({ next }) => next === number);
    return { verdict: 'fits', count: apart ? { ...count, streams: others(streams, number) } : count };
  }
  if (link.transport === 'websocket') {
    return restarted(number, expected)
      ? { verdict: 'reboot', count: { ...count, boots: boots + 1 } }
      : { verdict: 'gap', count };
  }
  return jump(count, number, expected, limits);
}

/** A number that does not fit, over HTTP, where nothing but the numbers tells two agents apart. */
function jump(count: Count, number: bigint, expected: bigint, limits: SessionLimits) {
  const displaced: Stream = { next: expected, rank: count.rank };
  const resumed = count.streams.find(({ next }) => next === number);
  const rest = [displaced, ...others(count.streams, number)].slice(0, limits.streams);
  if (resumed === undefined) {
    const rank = Math.max(...rest.map((other) => other.rank)) + 1;
    const next = { ...count, streams: rest, rank };
    return restarted(number, expected)
      ? { verdict: 'reboot' as const, count: { ...next, boots: count.boots + 1 } }
      : { verdict: 'gap' as const, count: next };
  }
  const crossings = number > 1n && number < expected ? count.crossings + 1 : count.crossings;
  const elder = rest.reduce((a, b) => (a.rank < b.rank ? a : b));
  if (crossings < 2 || resumed.rank < elder.rank) {
    return { verdict: 'gap' as const, count: { ...count, streams: rest, rank: resumed.rank, crossings } };
  }
  const streams = rest.filter((other) => other !== elder);
  return {
    verdict: 'intruder' as const,
    count: { ...count, nextSequence: elder.next, streams, rank: elder.rank, crossings: 0 },
  };
}

function others(streams: readonly Stream[], number: bigint): readonly Stream[] {
  return streams.filter(({ next }) => next !== number);
}

function restarted(number: bigint, expected: bigint): boolean {
  return number <= 1n && number + 1n < expected;
}

/** Whether nothing but the uid is set, a goodbye aside: HTTP clients poll so, and do not count it (A4). */
function isPoll(message: AgentToServer): boolean {
  if (message.sequenceNum !== 0n || message.capabilities !== 0n) return false;
  const { $typeName, $unknown, instanceUid, agentDisconnect, ...rest } = message;
  return Object.values(rest).every((value) => value === undefined || value === 0n);
}

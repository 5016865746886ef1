import type { AgentToServer } from '../generated/opamp/v1/opamp_pb.js';
import { sessionLimits } from '../limits.ts';
import type { Count, Link } from './session.ts';

/**
 * What the number of a message says about it:
 * - `first`: nothing to compare with; any first number is right (A6).
 * - `fits`: exactly one more than the last.
 * - `poll`: uid only; carries no number (A4).
 * - `repeat`: the very bytes taken in last (S-054).
 * - `echo`: the very bytes of the last full message, or of the one that began this run of numbers, after others: over HTTP a
 *   copy that a proxy sent late, or the agent has begun anew and says the same. Nobody can tell, so nothing is concluded from it.
 * - `reboot`: the count began anew, at 0 or 1 (S-096). A client that sends the same number always never reboots.
 * - `gap`: any other number (S-088).
 * - `intruder`: the lower of two counts that take turns under this uid, once they have crossed twice (S-084).
 */
export type Verdict = 'first' | 'fits' | 'poll' | 'repeat' | 'echo' | 'reboot' | 'gap' | 'intruder';

/** Judge the number of a message; `count` is what has to be remembered, the given one when nothing has. */
export function readSequence(
  count: Count,
  message: AgentToServer,
  payload: Uint8Array,
  transport: Link['transport'],
): { readonly verdict: Verdict; readonly count: Count } {
  if (isPoll(message)) return { verdict: 'poll', count };
  const number = message.sequenceNum;
  const next = BigInt.asUintN(64, number + 1n);
  const last = fingerprint(payload);
  const { next: expected, last: lastTaken, displaced } = count;
  if (next === expected && last === lastTaken) return { verdict: 'repeat', count };
  if (transport === 'http' && (last === count.full || last === count.opening)) return { verdict: 'echo', count };

  // A displaced run that waits for this number cannot be told from this one any more.
  const others = displaced.filter((other) => other !== number);
  const heard: Count = { ...count, next, last, displaced: others };
  if (expected === undefined) return { verdict: 'first', count: { ...heard, opening: last } };
  if (number === expected) return { verdict: 'fits', count: heard };
  const jumped = { ...heard, displaced: [expected, ...others].slice(0, sessionLimits.displacedCounts) };
  if (number <= 1n && number + 1n < expected) {
    return { verdict: 'reboot', count: { ...jumped, opening: last, boots: count.boots + 1 } };
  }
  const resumed = others.length < displaced.length;
  if (!resumed || number > expected) return { verdict: 'gap', count: jumped };
  if (count.crossings === 0) return { verdict: 'gap', count: { ...jumped, crossings: 1 } };
  return { verdict: 'intruder', count: { ...count, displaced: others, crossings: 0 } };
}

/** Whether nothing but the uid is set, a goodbye aside: HTTP clients poll so, and do not count it (A4). */
function isPoll(message: AgentToServer): boolean {
  if (message.sequenceNum !== 0n || message.capabilities !== 0n) return false;
  const { $typeName, $unknown, instanceUid, agentDisconnect, ...rest } = message;
  return Object.values(rest).every((value) => value === undefined || value === 0n);
}

/**
 * Tells messages of one number apart without keeping their bytes: every byte counts, and a collision hides only one's
 * own message. In four lanes, which a processor works on side by side, because this is done for every message.
 */
export function fingerprint(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let [a, b, c, d] = [1, 2, 3, 4];
  let at = 0;
  for (; at + 16 <= bytes.length; at += 16) {
    a = mix(a, view.getInt32(at, true));
    b = mix(b, view.getInt32(at + 4, true));
    c = mix(c, view.getInt32(at + 8, true));
    d = mix(d, view.getInt32(at + 12, true));
  }
  let hash = [a, b, c, d].reduce(mix, bytes.length);
  for (; at < bytes.length; at++) hash = mix(hash, view.getUint8(at));
  return hash;
}

/** One to one in each argument; the shift gives the high bits a say in the low ones. */
function mix(hash: number, word: number): number {
  const sum = hash ^ word;
  return Math.imul(sum ^ (sum >>> 16), 0x9e3779b1);
}

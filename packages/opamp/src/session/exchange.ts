import type { InstanceUid } from '../instance-uid.ts';
import type { Reply } from '../reply.ts';
import { defaultSessionSettings, type SessionSettings, type Step } from './answer.ts';
import type { Fact } from './fact.ts';
import type { Input } from './input.ts';
import type { Link, Session } from './session.ts';
import { step } from './step.ts';

/** A reply and where it goes. */
export interface Delivery {
  readonly link: Link;
  readonly reply: Reply;
}

/** A step with the uids it called for already given out: every message has its answer in `deliveries` (S-047). */
export interface Exchange extends Pick<Step, 'session' | 'facts' | 'successor'> {
  readonly deliveries: readonly Delivery[];
}

/**
 * `step`, and then the `reassign` or `evict` that its facts call for.
 * @param newUid makes a fresh uid, see `newUuidV7`; asked only when one is needed
 */
export function exchange(
  session: Session,
  input: Input,
  now: number,
  newUid: () => InstanceUid,
  settings: SessionSettings = defaultSessionSettings,
): Exchange {
  const first = step(session, input, now, settings);
  const steps = [first];
  for (const intent of first.facts.flatMap((fact) => calledFor(fact, input, newUid))) {
    steps.push(step(steps.at(-1)?.session ?? session, intent, now, settings));
  }
  const deliveries = steps.flatMap(({ link, reply }) => (link && reply ? [{ link, reply }] : []));
  const successor = steps.find((each) => each.successor !== undefined)?.successor;
  return {
    session: steps.at(-1)?.session ?? session,
    facts: steps.flatMap(({ facts }) => facts),
    deliveries,
    ...(successor !== undefined && { successor }),
  };
}

function calledFor(fact: Fact, input: Input, newUid: () => InstanceUid): Input[] {
  if (fact.kind === 'conflict') return [{ kind: 'evict', newUid: newUid(), intruder: fact.intruder }];
  if (fact.kind !== 'uid-requested' || input.kind !== 'message') return [];
  return [{ kind: 'reassign', newUid: newUid(), answering: input.link }];
}

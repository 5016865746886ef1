/** What people ask of a rollout, or of all rollouts of a push to several groups, by the id of their parent. */
import type { Client, RequestOf, RolloutPart } from '@flaghoist/api';
import { command, type Given } from '../command.ts';
import { print } from '../output/print.ts';
import { lasting, oneLine, plural, revisionText } from '../output/text.ts';
import { totalOf } from '../progress/view.ts';
import { partsOf } from '../progress/watch.ts';
import { agentId, bare } from '../references.ts';
import type { Session } from '../session.ts';
import { ROLLOUT } from './rollout.ts';

const ENDED = new Set(['succeeded', 'rolled-back', 'rolled-back-partial', 'stopped-mixed', 'cancelled', 'superseded']);
const EXPOSED = ['sent', 'applying', 'verifying', 'proven', 'failed', 'inconclusive'] as const;

/** Agents that have, or may have, the revision. */
const exposed = ({ counts }: RolloutPart): number => EXPOSED.reduce((sum, state) => sum + counts[state], 0);

const sentences = (parts: readonly RolloutPart[], say: (part: RolloutPart) => string | undefined): string =>
  parts.flatMap((part) => say(part) ?? []).join('; ');

type Seen = NonNullable<RequestOf<'promoteRollout'>['body']['seen']>;

/** Asks `question`, where there is one, with the numbers as they are now; then does it and says what came of it. */
async function act(
  session: Session,
  id: string,
  question: (going: readonly RolloutPart[], all: readonly RolloutPart[]) => string,
  call: (client: Client, seen: Seen) => ReturnType<Client['pauseRollout']>,
): Promise<undefined> {
  const { client, stdout } = session;
  const all = partsOf(await client.getRollout({ id }));
  const going = all.filter(({ state }) => !ENDED.has(state));
  const asked = question(going, all);
  if (asked !== '') await session.confirm(asked);
  // Whatever it has become while the question stood there is not what was answered.
  const seen = going.map(({ id: rollout, state, stage, pause }) => {
    return { rollout, state, stage, reason: pause?.reason ?? null };
  });
  const { rollouts } = await call(client, seen);
  return print(session, rollouts, rollouts.map(ROLLOUT.name), () => {
    stdout.print(
      rollouts.map((one) => {
        const how = `${one.counts.proven} of ${plural(totalOf(one), 'agent')} proven`;
        return `${ROLLOUT.name(one)} ${one.state}: ${one.group} → ${revisionText(one.target)}, ${how}`;
      }),
    );
    const watched = new Set(rollouts.map((one) => one.parent ?? one.id));
    session.stderr.print([...watched].map((one) => `to watch it: flaghoist rollout status ${one} --watch`));
  });
}

const nothing = () => '';

const pause = (session: Session, { message = '', author }: Given<'message' | 'author!'>, id: string) =>
  act(session, id, nothing, (client) => client.pauseRollout({ id, body: { message, author } }));

/** What stood in the way, and so is accepted. */
function accepted({ id, pause }: RolloutPart): string | undefined {
  if (pause === null || pause.reason === 'operator' || pause.reason === 'gate') return undefined;
  return `rollout ${id} paused: ${oneLine(pause.message)}`;
}

const resume = (session: Session, { author }: Given<'author!'>, id: string) =>
  act(
    session,
    id,
    (going) => {
      const why = sentences(going, accepted);
      return why && `${why}. Go on all the same?`;
    },
    (client, seen) => client.resumeRollout({ id, body: { seen, author } }),
  );

/** What is skipped, and who is next. */
function skipped({ watchedUntil, state, stage, stages, pause, group }: RolloutPart, now: number): string | undefined {
  const rest = Date.parse(watchedUntil ?? '') - now;
  const what = state === 'baking' ? 'bake' : 'soak';
  const skip = rest > 0 ? `the last ${lasting(rest)} of the ${what} are skipped` : undefined;
  const next = stages[state === 'paused' ? stage : stage + 1];
  const follows = next === undefined ? undefined : `${plural(next.planned, 'agent')} of stage ${next.name} are next`;
  const words = [skip, state === 'baking' || (skip === undefined && pause === null) ? undefined : follows];
  const told = words.filter((one) => one !== undefined).join(', ');
  return told === '' ? undefined : `group ${group}: ${told}`;
}

const promote = (session: Session, { author }: Given<'author!'>, id: string) =>
  act(
    session,
    id,
    (going) => {
      const what = sentences(going, (part) => skipped(part, session.io.now()));
      return what && `${what}. Promote?`;
    },
    (client, seen) => client.promoteRollout({ id, body: { seen, author } }),
  );

const rollback = (session: Session, options: Given<'message' | 'atOnce' | 'author!'>, id: string) => {
  const { message = '', atOnce = false, author } = options;
  const question = (going: readonly RolloutPart[], all: readonly RolloutPart[]): string => {
    const taken = going.length > 0 ? going : all.filter(({ state }) => state === 'succeeded');
    const what = sentences(taken, (part) => {
      const agents = going.length > 0 ? exposed(part) : totalOf(part);
      const where = part.from === null ? 'what they ran before' : revisionText(part.from);
      return `${plural(agents, 'agent')} of group ${part.group} go back to ${where}`;
    });
    return what && `${what}${atOnce ? ', all at once' : ''}. Roll back?`;
  };
  return act(session, id, question, (client) => client.rollbackRollout({ id, body: { message, atOnce, author } }));
};

const stop = (session: Session, options: Given<'message!' | 'leaveMixed' | 'author!'>, id: string) => {
  const { message, leaveMixed = false, author } = options;
  const question = (going: readonly RolloutPart[]): string => {
    const mixed = leaveMixed ? going.filter((part) => exposed(part) > 0) : [];
    const what = sentences(mixed, (part) => {
      const [have, all] = [exposed(part), totalOf(part)];
      return `${plural(have, 'agent')} of group ${part.group} keep ${revisionText(part.target)}, ${all - have} do not get it`;
    });
    return what && `${what}. Stop?`;
  };
  return act(session, id, question, (client) => client.stopRollout({ id, body: { message, leaveMixed, author } }));
};

async function retry(session: Session, { failedAgents, author }: Given<'failedAgents!' | 'author!'>, id: string) {
  const agents = await Promise.all(failedAgents.map((one) => agentId(session.client, bare('agent')(one))));
  const question = ([part]: readonly RolloutPart[]): string =>
    part === undefined
      ? ''
      : `Offer ${revisionText(part.target)} once more to ${plural(agents.length, 'failed agent')}?`;
  return act(session, id, question, (client) => client.retryRollout({ id, body: { agents, author } }));
}

export const rolloutVerbs = [
  command('pause <rollout>', 'admit nobody more; who is in flight may finish', ['message', 'author!'], pause),
  command('resume <rollout>', 'go on, accepting what stood in the way', ['author!'], resume),
  command('promote <rollout>', 'open a gate, or skip the rest of a soak or of the bake', ['author!'], promote),
  command(
    'rollback <rollout>',
    'give each agent its own last good revision back; of a finished one, go to the revision before',
    ['message', 'atOnce', 'author!'],
    rollback,
  ),
  command('stop <rollout>', 'end it where it is', ['message!', 'leaveMixed', 'author!'], stop),
  command('retry <rollout>', 'ask failed agents once more', ['failedAgents!', 'author!'], retry),
];

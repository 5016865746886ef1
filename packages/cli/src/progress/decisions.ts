/** The log of a rollout in words: who decided what, when and why. */
import type { RolloutEvent } from '@flaghoist/api';
import { paint } from '../output/paint.ts';
import { oneLine, plural } from '../output/text.ts';

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === 'string' ? oneLine(value) : '');

/** What each kind of decision says; one that a newer server takes is told by its name. */
const WORDS: Readonly<Record<string, (data: Readonly<Record<string, unknown>>, stage: string) => string>> = {
  started: ({ header }) => {
    const { planned, message } = (header ?? {}) as { planned?: number; message?: string };
    return `started for ${plural(planned ?? 0, 'agent')}${message ? `: ${text(message)}` : ''}`;
  },
  soaking: ({ deferred }, stage) => {
    const away = list(deferred).length;
    return `everybody of stage ${stage} has an outcome${away === 0 ? '' : `, ${plural(away, 'agent')} offline`}; soak begins`;
  },
  advanced: (_, stage) => `stage ${stage} has passed`,
  paused: ({ reason, message }) => `paused (${text(reason)})${text(message) && `: ${text(message)}`}`,
  resumed: () => 'resumed',
  promoted: () => 'promoted',
  succeeded: () => 'succeeded: it is the stable revision now',
  'rollback-started': ({ message }) => `goes back: ${text(message) || 'asked for'}`,
  hurried: () => 'everybody goes back at once',
  'rolled-back': () => 'rolled back',
  stopped: ({ message }) => `stopped: ${text(message)}`,
  retried: ({ agents }) => `${plural(list(agents).length, 'failed agent')} asked once more`,
  superseded: ({ by }) => `${text(by)} took over`,
};

/** The names of the stages, as a rollout was started with them. */
const stagesIn = ({ data }: RolloutEvent): readonly string[] =>
  list((data['header'] as { stages?: unknown } | undefined)?.stages).map((one) =>
    text((one as { name?: unknown }).name),
  );

/** A line for each decision, each with the stage that was open. Times in UTC, as everywhere. */
export function decisionLines(log: readonly RolloutEvent[]): string[] {
  let [stages, open, soaks]: [readonly string[], number, boolean] = [[], 0, false];
  return log.map((event) => {
    const { at, author, kind, data } = event;
    if (kind === 'started') stages = stagesIn(event);
    const words = WORDS[kind]?.(data, stages[open] ?? 'of all') ?? kind;
    // A promotion ends a soak and with it the stage, or opens the gate behind one that has passed.
    if (kind === 'advanced' || (kind === 'promoted' && soaks)) {
      open += 1;
      soaks = false;
    }
    if (kind === 'soaking') soaks = true;
    return `${at.slice(11, 19)}  ${oneLine(author)}  ${words}`;
  });
}

/** The latest decisions, newest last. */
export function decisionRows(log: readonly RolloutEvent[], most: number): string[] {
  const shown = decisionLines(log)
    .slice(-most)
    .map((line) => `    ${line}`);
  const earlier = log.length > most ? ` (UTC, ${log.length - most} earlier)` : ' (UTC)';
  return shown.length === 0 ? [] : [paint('dim', `  decisions${earlier}`), ...shown];
}

/** The log of a rollout in words: who decided what, when and why. */
import type { RolloutEvent } from '@flaghoist/api';
import { paint } from '../output/paint.ts';
import { oneLine, plural } from '../output/text.ts';

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === 'string' ? oneLine(value) : '');

/** What each kind of decision says; one that a newer server takes is told by its name. */
const WORDS: Readonly<Record<string, (data: Readonly<Record<string, unknown>>) => string>> = {
  started: ({ header }) => {
    const { planned, message } = (header ?? {}) as { planned?: number; message?: string };
    return `started for ${plural(planned ?? 0, 'agent')}${message ? `: ${text(message)}` : ''}`;
  },
  soaking: ({ deferred }) => {
    const away = list(deferred).length;
    return `everybody of the stage has an outcome${away === 0 ? '' : `, ${plural(away, 'agent')} offline`}; soak begins`;
  },
  advanced: () => 'the stage has passed',
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

/** Times in UTC, as everywhere. */
export function decisionLine({ at, author, kind, data }: RolloutEvent): string {
  return `${at.slice(11, 19)}  ${oneLine(author)}  ${WORDS[kind]?.(data) ?? kind}`;
}

/** The latest decisions, newest last. */
export function decisionRows(log: readonly RolloutEvent[], most: number): string[] {
  const shown = log.slice(-most).map((event) => `    ${decisionLine(event)}`);
  const earlier = log.length > most ? ` (UTC, ${log.length - most} earlier)` : ' (UTC)';
  return shown.length === 0 ? [] : [paint('dim', `  decisions${earlier}`), ...shown];
}

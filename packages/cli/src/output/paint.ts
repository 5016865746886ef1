/** Colours by what they mean. Never the only carrier of a meaning: words and symbols stand beside them. */
import { styleText } from 'node:util';
import type { Agent, LedgerEntryView, Rollout, RolloutTarget } from '@flaghoist/api';

const COLOURS = { good: 'green', bad: 'red', warn: 'yellow', busy: 'cyan', dim: 'dim', bold: 'bold' } as const;
export type Look = keyof typeof COLOURS;

/** Always paints: a screen without colours takes them off again. */
export function paint(look: Look, text: string): string {
  return styleText(COLOURS[look], text, { validateStream: false });
}

type State = Agent['state'] | Rollout['state'] | RolloutTarget['state'] | LedgerEntryView['phase'];

const STATES: Readonly<Record<State, readonly [symbol: string, look: Look]>> = {
  'awaiting-approval': ['⏸', 'warn'],
  quarantined: ['⊘', 'warn'],
  revoked: ['⊘', 'bad'],
  failed: ['✗', 'bad'],
  'rolled-back': ['↩', 'bad'],
  unhealthy: ['!', 'warn'],
  drifted: ['≠', 'warn'],
  offline: ['○', 'dim'],
  updating: ['↻', 'busy'],
  unverifiable: ['?', 'warn'],
  unmanaged: ['·', 'dim'],
  'in-sync': ['✓', 'good'],

  pending: ['·', 'dim'],
  offered: ['…', 'busy'],
  sent: ['→', 'busy'],
  received: ['→', 'busy'],
  applying: ['↻', 'busy'],
  verifying: ['≈', 'busy'],
  proven: ['✓', 'good'],
  deferred: ['○', 'dim'],
  skipped: ['–', 'dim'],

  running: ['▶', 'busy'],
  paused: ['‖', 'warn'],
  succeeded: ['✓', 'good'],
  superseded: ['↷', 'dim'],
};

/** A state of an agent, a rollout or a target with its symbol, and its look. A newer server may know more of them. */
export function stateLook(state: string): { readonly text: string; readonly look: Look } {
  const [symbol, look] = (STATES as Readonly<Record<string, readonly [string, Look]>>)[state] ?? ['•', 'bold'];
  return { text: `${symbol} ${state}`, look };
}

/** A line of a unified diff. */
export function diffLine(line: string): string {
  const look = DIFF_LINES.find(([start]) => line.startsWith(start))?.[1];
  return look === undefined ? line : paint(look, line);
}

const DIFF_LINES: readonly (readonly [start: string, look: Look])[] = [
  ['--- ', 'bold'],
  ['+++ ', 'bold'],
  ['@@', 'busy'],
  ['+', 'good'],
  ['-', 'bad'],
];

/** Colours by what they mean. Never the only carrier of a meaning: words and symbols stand beside them. */
import { styleText } from 'node:util';

const COLOURS = { good: 'green', bad: 'red', warn: 'yellow', busy: 'cyan', dim: 'dim', bold: 'bold' } as const;
export type Look = keyof typeof COLOURS;

/** Always paints: a screen without colours takes them off again. */
export function paint(look: Look, text: string): string {
  return styleText(COLOURS[look], text, { validateStream: false });
}

/** The states of agents, rollouts and targets and the phases of the ledger, each with its symbol. */
const SYMBOLS: Readonly<Partial<Record<Look, Readonly<Record<string, string>>>>> = {
  good: { 'in-sync': '✓', proven: '✓', succeeded: '✓', resolved: '✓', ok: '✓' },
  bad: {
    ...{ revoked: '⊘', failed: '✗', 'rolled-back': '↩', active: '!', failing: '✗', gone: '⊘' },
    ...{ 'rolled-back-partial': '↩', 'revert-unconfirmed': '!' },
  },
  warn: {
    ...{ 'awaiting-approval': '⏸', quarantined: '⊘', unhealthy: '!', drifted: '≠', unverifiable: '?', paused: '‖' },
    ...{ inconclusive: '?', reverted: '↩', 'rolling-back': '↩', 'stopped-mixed': '■' },
  },
  busy: {
    ...{ updating: '↻', offered: '…', sent: '→', received: '→', applying: '↻', verifying: '≈', running: '▶' },
    ...{ baking: '≈', reverting: '↩' },
  },
  dim: { offline: '○', unmanaged: '·', pending: '·', deferred: '○', skipped: '–', superseded: '↷', cancelled: '■' },
};

/** A state with its symbol, painted. A newer server may know states that this program does not. */
export function paintState(state: string): string {
  const found = Object.entries(SYMBOLS).find(([, symbols]) => Object.hasOwn(symbols, state));
  return found === undefined ? paint('bold', `• ${state}`) : paint(found[0] as Look, `${found[1][state]} ${state}`);
}

const DIFF_LINES = { '--- ': 'bold', '+++ ': 'bold', '@@': 'busy', '+': 'good', '-': 'bad' } as const;

/** A line of a unified diff. */
export function diffLine(line: string): string {
  const found = Object.entries(DIFF_LINES).find(([start]) => line.startsWith(start));
  return found === undefined ? line : paint(found[1], line);
}

/** States as people see them: a symbol, a word, a colour that repeats what they say. */
import type { Agent, LedgerEntryView, Rollout, RolloutTarget } from '@flaghoist/api';
import type { Style } from './style.ts';

type State = Agent['state'] | Rollout['state'] | RolloutTarget['state'] | LedgerEntryView['phase'];

const LOOKS: Readonly<Record<State, readonly [symbol: string, paint: keyof Style]>> = {
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

export function stateCell(state: State, style: Style) {
  // A newer server may know states that this program does not.
  const [symbol, paint] = (LOOKS as Partial<typeof LOOKS>)[state] ?? (['•', 'bold'] as const);
  return { text: `${symbol} ${state}`, paint: style[paint] };
}

/** States as people see them: a symbol, a word, a colour that repeats what they say. */
import type { Agent, Rollout, RolloutTarget } from '@flaghoist/api';
import type { Style } from './style.ts';
import type { Cell } from './table.ts';

type Look = readonly [symbol: string, paint: keyof Style];

const AGENT: Readonly<Record<Agent['state'], Look>> = {
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
};

const ROLLOUT: Readonly<Record<Rollout['state'], Look>> = {
  running: ['▶', 'busy'],
  paused: ['‖', 'warn'],
  succeeded: ['✓', 'good'],
  superseded: ['↷', 'dim'],
};

const TARGET: Readonly<Record<RolloutTarget['state'], Look>> = {
  pending: ['·', 'dim'],
  offered: ['…', 'busy'],
  sent: ['→', 'busy'],
  applying: ['↻', 'busy'],
  verifying: ['≈', 'busy'],
  proven: ['✓', 'good'],
  failed: ['✗', 'bad'],
  deferred: ['○', 'dim'],
  skipped: ['–', 'dim'],
};

function cell<State extends string>(looks: Readonly<Record<State, Look>>, state: State, style: Style): Cell {
  // A newer server may know states that this program does not.
  const [symbol, paint] = (looks as Readonly<Record<string, Look>>)[state] ?? ['•', 'bold'];
  return { text: `${symbol} ${state}`, paint: style[paint] };
}

export function agentState(state: Agent['state'], style: Style): Cell {
  return cell(AGENT, state, style);
}

export function rolloutState(state: Rollout['state'], style: Style): Cell {
  return cell(ROLLOUT, state, style);
}

export function targetState(state: RolloutTarget['state'], style: Style): Cell {
  return cell(TARGET, state, style);
}

export function painted(shown: Cell): string {
  return typeof shown === 'string' ? shown : shown.paint(shown.text);
}

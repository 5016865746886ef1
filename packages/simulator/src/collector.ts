/** The simulated collector process: `starting` includes stopping the one before. */
export type CollectorState = 'off' | 'starting' | 'up' | 'stopping' | 'crashed';

/** `start` and `halt` come from the Supervisor; the others happen when their time has come. */
export type CollectorEvent = 'start' | 'halt' | 'ready' | 'exit' | 'halted' | 'retry';

/** The next state; `null` where the event cannot happen (SPEC.md). */
export const transitions: Readonly<
  Record<CollectorState, Readonly<Record<CollectorEvent, CollectorState | null>>>
> = {
  off: { start: 'starting', halt: 'stopping', ready: null, exit: null, halted: null, retry: null },
  starting: { start: 'starting', halt: 'stopping', ready: 'up', exit: 'crashed', halted: null, retry: null },
  up: { start: 'starting', halt: 'stopping', ready: null, exit: 'crashed', halted: null, retry: null },
  stopping: { start: 'starting', halt: 'stopping', ready: null, exit: null, halted: 'off', retry: null },
  crashed: { start: 'starting', halt: 'stopping', ready: null, exit: null, halted: null, retry: 'starting' },
};

export function nextState(state: CollectorState, event: CollectorEvent): CollectorState {
  const next = transitions[state][event];
  if (next === null) throw new Error(`a collector that is ${state} cannot take ${event}`);
  return next;
}

/**
 * How an agent departs from the perfect one; each has at most one behaviour. In parentheses: its options.
 * With `component` (an id such as `otlp/secondary`, or a type) it shows only with remote configurations that contain it.
 */
export const BEHAVIOURS = {
  /** No departure. */
  good: [],
  /** Reports FAILED at once (`message`); its collector keeps running what it ran. */
  reject: ['component', 'message'],
  /** Its collector exits (`exitCode`) while starting, or `after` a while, and again every 5 s. */
  crash: ['component', 'exitCode', 'after'],
  /** Its collector takes `restartTime` to start; too long makes `Config apply timeout exceeded`. */
  slow: ['component', 'restartTime'],
  /** Crashes, then goes back to the last configuration that worked. Without `component`: on all but the first one. */
  rollback: ['component', 'exitCode'],
  /** Reports APPLIED, but its effective config stays what it was. */
  liar: ['component'],
  /** Turns unhealthy (`message`) a while `after` APPLIED. */
  unhealthy: ['component', 'after', 'message'],
  /** Drops its connection `every` so often, for `down`. */
  flapper: ['every', 'down'],
  /** Two agents with one instance uid: `count` counts pairs. */
  clone: [],
  /** Stops reading its socket, `after` a while. */
  'slow-reader': ['after'],
  /** Takes offers and never reacts. */
  silent: ['component'],
  /** Lacks AcceptsRemoteConfig. */
  'no-remote-config': [],
  /** Lacks ReportsRemoteConfig. */
  'no-status': [],
  /** Lacks ReportsEffectiveConfig. */
  'no-effective': [],
  /** Does not reach the server `from` then `until` then; without `until`, until the fleet is told to release it. */
  'offline-until': ['from', 'until'],
  /** For benchmarks: APPLYING, health, effective config, APPLIED as four messages, at once. */
  instant: [],
} as const satisfies Readonly<Record<string, readonly (keyof BehaviourOptions)[]>>;

export type BehaviourKind = keyof typeof BEHAVIOURS;

/** Times in milliseconds of the simulation, before `timeScale`. */
export interface BehaviourOptions {
  readonly component?: string;
  readonly message?: string;
  readonly exitCode?: number;
  readonly restartTime?: number;
  readonly after?: number;
  readonly every?: number;
  readonly down?: number;
  readonly from?: number;
  readonly until?: number;
}

export interface Behaviour extends BehaviourOptions {
  readonly kind: BehaviourKind;
}

export const good: Behaviour = { kind: 'good' };

/** Behaviours that are about a socket. */
const ON_SOCKET: ReadonlySet<BehaviourKind> = new Set(['flapper', 'slow-reader', 'instant']);

/** Whether agents with this behaviour speak WebSocket, whatever the scenario says. */
export function needsWebSocket(kind: BehaviourKind): boolean {
  return ON_SOCKET.has(kind);
}

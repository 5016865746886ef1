import { z } from 'zod';
import { agentCount, duration } from './quantity.ts';

/** What can be said about a behaviour besides its kind; times in milliseconds, before `timeScale`. */
const OPTIONS = z
  .object({
    /** An id such as `otlp/secondary`, or a type: the behaviour shows only with remote configurations that contain it. */
    component: z.string().min(1),
    message: z.string(),
    exitCode: z.int().min(1).max(255),
    restartTime: duration,
    after: duration,
    every: duration,
    down: duration,
    until: duration,
  })
  .partial();

type Option = keyof typeof OPTIONS.shape;

/** How an agent departs from the perfect one; each has at most one behaviour. In parentheses: its options. */
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
  /** The same, and it goes on saying FAILED of what crashed (P2b). */
  fallback: ['component', 'exitCode'],
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
  /** Gone without a word when it takes an offer, its collector too; back, stuck in APPLYING, when the fleet is told to release it. */
  die: ['component'],
  /** Lacks AcceptsRemoteConfig. */
  'no-remote-config': [],
  /** Lacks ReportsRemoteConfig. */
  'no-status': [],
  /** Lacks ReportsEffectiveConfig. */
  'no-effective': [],
  /** Does not reach the server until then; without `until`, until the fleet is told to release it. */
  'offline-until': ['until'],
  /** For benchmarks: APPLYING, health, effective config, APPLIED as four messages, at once. */
  instant: [],
} as const satisfies Readonly<Record<string, readonly Option[]>>;

export type BehaviourKind = keyof typeof BEHAVIOURS;

/** Behaviours that are about a connection: agents with one speak WebSocket, whatever the scenario says. */
export const NEEDS_WEBSOCKET: ReadonlySet<BehaviourKind> = new Set(['flapper', 'clone', 'slow-reader', 'instant']);

const places = 'write a number of agents, or a share of the group such as 5%';
const share = z.string().regex(/^\d+(\.\d+)?%$/, places);

/** A behaviour, and how many agents of its group have it. */
export const behaviour = z
  .strictObject({
    kind: z.enum(Object.keys(BEHAVIOURS) as BehaviourKind[]),
    count: z.union([agentCount, share], places).default(1),
    ...OPTIONS.shape,
  })
  .superRefine(({ kind, count: _, ...options }, context) => {
    const takes: readonly string[] = BEHAVIOURS[kind];
    for (const option of Object.keys(options)) {
      if (takes.includes(option)) continue;
      const message = `does not go with ${kind}, which takes ${takes.join(', ') || 'no options'}`;
      context.addIssue({ code: 'custom', path: [option], message });
    }
  });

export type Behaviour = z.output<typeof behaviour>;

export const good: Behaviour = { kind: 'good', count: 1 };

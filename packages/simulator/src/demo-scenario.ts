import type { BehaviourKind } from './behaviour.ts';
import { plan } from './plan.ts';
import { type Scenario, scenario } from './scenario.ts';

/** How an agent of the demo is to end, after both revisions were pushed to everybody. */
export interface Expectation {
  readonly index: number;
  readonly name: string;
  readonly group: string;
  readonly uid: string;
  readonly behaviour: BehaviourKind;
  /**
   * - `runs-second`: proven to run the second revision
   * - `failed`: said FAILED with `error`, for the second revision
   * - `rolled-back`: said FAILED with `error`, then APPLIED for the first revision again
   * - `lies`: said APPLIED, but its effective configuration lacks what the second revision adds
   * - `unreachable-by-config`: never takes a remote configuration
   * - `ambiguous`: shares its uid with another agent, so that nothing is promised
   */
  readonly end: 'runs-second' | 'failed' | 'rolled-back' | 'lies' | 'unreachable-by-config' | 'ambiguous';
  /** The exact error text that goes with FAILED. */
  readonly error?: string;
  /** Cannot be reached before `fleet.release()`. */
  readonly late: boolean;
}

export interface DemoScenario {
  readonly scenario: Scenario;
  /** To be pushed first: what runs already, made uniform. */
  readonly firstRevision: string;
  /** To be pushed second: adds `otlp/secondary` to the traces pipeline. */
  readonly secondRevision: string;
  /** One per agent, in the order of `fleet.agents`. */
  readonly expectations: readonly Expectation[];
}

const SECOND = 'otlp/secondary';
const POLICY =
  'exporter otlp/secondary: destination traces-secondary.internal:4317 is not in the list of allowed endpoints';
const MEMORY =
  'exporter otlp/secondary: sending_queue of 1000 batches exceeds the memory budget of this host (256 MiB)';
const CRASH = 'Agent exited unexpectedly with exit code 1 while applying configuration';
const TIMEOUT = 'Config apply timeout exceeded';

/** Behaviours of the troublemakers, by group; everybody else is good. */
const TROUBLE = {
  edge: [
    { kind: 'reject', count: 3, component: SECOND, message: POLICY },
    { kind: 'rollback', component: SECOND },
    { kind: 'flapper', every: '8s', down: '400ms' },
    { kind: 'clone' },
    { kind: 'offline-until' },
  ],
  gateway: [
    { kind: 'crash', component: SECOND },
    { kind: 'liar', component: SECOND },
  ],
  payments: [
    { kind: 'reject', count: 2, component: SECOND, message: MEMORY },
    { kind: 'slow', component: SECOND },
    { kind: 'no-remote-config' },
  ],
};

/**
 * The fleet of `npm run demo`: three groups that run one configuration, WebSocket and polls mixed, and a handful of
 * troublemakers whose end is known beforehand. Throws `ScenarioError` below 40 agents.
 */
export function demoScenario({ agents = 300, seed = 1, timeScale = 0.2 } = {}): DemoScenario {
  const edge = Math.round(agents * 0.6);
  const gateway = Math.round(agents * 0.25);
  const demo = scenario({
    seed,
    timeScale,
    heartbeat: '1s',
    groups: [
      { name: 'edge', count: edge, transport: 'mixed', labels: { role: 'edge', region: 'eu' } },
      { name: 'gateway', count: gateway, labels: { role: 'gateway', region: 'eu' } },
      {
        name: 'payments',
        count: agents - edge - gateway,
        transport: 'mixed',
        labels: { role: 'payments', region: 'us' },
      },
    ].map((group) => ({ ...group, config: LOCAL, behaviours: TROUBLE[group.name as keyof typeof TROUBLE] })),
  });
  const expectations = plan(demo).map(({ index, name, group, uid, behaviour }): Expectation => {
    const { kind, message } = behaviour;
    const about = { index, name, group: group.name, uid, behaviour: kind, late: kind === 'offline-until' };
    switch (kind) {
      case 'reject':
        return { ...about, end: 'failed', error: message ?? '' };
      case 'crash':
        return { ...about, end: 'failed', error: CRASH };
      case 'slow':
        return { ...about, end: 'failed', error: TIMEOUT };
      case 'rollback':
        return { ...about, end: 'rolled-back', error: CRASH };
      case 'liar':
        return { ...about, end: 'lies' };
      case 'no-remote-config':
        return { ...about, end: 'unreachable-by-config' };
      case 'clone':
        return { ...about, end: 'ambiguous' };
      default:
        return { ...about, end: 'runs-second' };
    }
  });
  return { scenario: demo, firstRevision: FIRST, secondRevision: SECONDARY, expectations };
}

const RECEIVERS = `receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
      http:
        endpoint: 0.0.0.0:4318
`;
const BATCH = `processors:
  batch:
    timeout: 5s
    send_batch_size: 512
`;
const EXPORTER = (name: string) => `  otlp/${name}:
    endpoint: traces-${name}.internal:4317
    tls:
      insecure: false
`;
const PIPELINE = (processors: string, exporters: string) => `service:
  pipelines:
    traces:
      receivers: [otlp]
${processors}      exporters: [${exporters}]
`;
const USES_BATCH = '      processors: [batch]\n';

/** What the collectors were installed with: no batching yet. */
const LOCAL = `${RECEIVERS}exporters:\n${EXPORTER('primary')}${PIPELINE('', 'otlp/primary')}`;
const FIRST = `${RECEIVERS}${BATCH}exporters:\n${EXPORTER('primary')}${PIPELINE(USES_BATCH, 'otlp/primary')}`;
const SECONDARY = `${RECEIVERS}${BATCH}exporters:\n${EXPORTER('primary')}${EXPORTER('secondary')}${PIPELINE(USES_BATCH, 'otlp/primary, otlp/secondary')}`;

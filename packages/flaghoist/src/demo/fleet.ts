/** The fleet of the demo: three groups that run one configuration, and some agents that make trouble. */
import { type Scenario, scenario } from '@flaghoist/simulator';

/** What the collectors run by themselves, before anybody pushes anything. */
const LOCAL = `receivers:
  otlp:
    protocols:
      grpc: { endpoint: 127.0.0.1:4317 }
exporters:
  debug: {}
service:
  pipelines:
    traces: { receivers: [otlp], exporters: [debug] }
`;

/** The configuration of the story; \`secondary\` adds the second backend to the traces pipeline. */
export const collectorConfig = (secondary: boolean): string => `receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
      http:
        endpoint: 0.0.0.0:4318

processors:
  batch:
    timeout: 5s
    send_batch_size: 512

exporters:
  otlp/primary:
    endpoint: traces-primary.internal:4317
    tls:
      insecure: false
${secondary ? '  otlp/secondary:\n    endpoint: traces-secondary.internal:4317\n    tls:\n      insecure: false\n' : ''}
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlp/primary${secondary ? ', otlp/secondary' : ''}]
`;

export const GROUPS_FILE = ['edge', 'gateway', 'payments']
  .map(
    (name) => `apiVersion: flaghoist/v1
kind: Group
metadata: { name: ${name} }
spec: { selector: "role=${name}", configuration: collector }
`,
  )
  .join('---\n');

const SECOND = 'otlp/secondary';
const REFUSAL = 'cannot start pipelines: failed to start "otlp/secondary" exporter: no route to host';

/** Who makes trouble when the second backend arrives: few enough in edge, too many in payments. */
export const demoScenario = (seed: number): Scenario =>
  scenario({
    seed,
    heartbeat: '2s',
    applyTimeout: '5s',
    restartTime: '2s',
    // The agents' own times, five times as fast: a Supervisor says APPLIED after five seconds, here after one.
    timeScale: 0.2,
    groups: [
      {
        name: 'edge',
        count: 220,
        labels: { role: 'edge' },
        config: LOCAL,
        transport: 'mixed',
        behaviours: [
          { kind: 'reject', count: 1, component: SECOND, message: REFUSAL },
          { kind: 'crash', count: 1, component: SECOND },
          { kind: 'flapper', count: 1, every: '30s', down: '2s' },
          { kind: 'clone', count: 1 },
          { kind: 'no-remote-config', count: 1 },
          { kind: 'offline-until', count: 1 },
        ],
      },
      { name: 'gateway', count: 30, labels: { role: 'gateway' }, config: LOCAL, transport: 'http' },
      {
        name: 'payments',
        count: 50,
        labels: { role: 'payments' },
        config: LOCAL,
        behaviours: [
          { kind: 'reject', count: 3, component: SECOND, message: REFUSAL },
          { kind: 'rollback', count: 2, component: SECOND },
          { kind: 'liar', count: 1, component: SECOND },
        ],
      },
    ],
  });

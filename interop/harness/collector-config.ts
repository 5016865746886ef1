import type { OtlpSink } from './otlp.ts';

export interface CollectorConfig {
  /** Exporters by name, all of them in the one traces pipeline. */
  readonly exporters: Readonly<Record<string, OtlpSink>>;
  /** Makes this text differ from others that do the same. */
  readonly marker?: string;
}

/** One traces pipeline from OTLP/HTTP, on the port that the Supervisor gives in the environment, to the exporters. */
export function collectorConfig({ exporters, marker = 'none' }: CollectorConfig): string {
  const names = Object.keys(exporters);
  const blocks = Object.entries(exporters).map(
    ([name, sink]) => `  ${name}:\n    endpoint: ${sink.endpoint}\n    tls:\n      insecure: true`,
  );
  return `receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:\${env:OTLP_PORT}
processors:
  batch:
    timeout: 100ms
  resource/marker:
    attributes:
      - {key: marker, value: "${marker}", action: upsert}
exporters:
${blocks.join('\n')}
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [resource/marker, batch]
      exporters: [${names.join(', ')}]
`;
}

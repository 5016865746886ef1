/** The configuration of the product's story. */
export const FIRST = `receivers:
  otlp:
    protocols:
      grpc: { endpoint: 0.0.0.0:4317 }
processors:
  batch: { timeout: 5s, send_batch_size: 512 }
exporters:
  otlp/primary:
    endpoint: traces-primary.internal:4317
    headers: { api-key: secret }
service:
  pipelines:
    traces: { receivers: [otlp], processors: [batch], exporters: [otlp/primary] }
`;
export const SECOND = FIRST.replace(
  'service:',
  '  otlp/secondary:\n    endpoint: traces-secondary.internal:4317\nservice:',
).replace('[otlp/primary]', '[otlp/primary, otlp/secondary]');
export const UNKNOWN = FIRST.replace('service:', '  otlpp/x: {}\nservice:');
export const UNDECLARED = FIRST.replace('[batch]', '[batch, nope]');
export const BROKEN = FIRST.replace('service:', 'service: foo: bar');

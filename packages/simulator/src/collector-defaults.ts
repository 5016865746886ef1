import { parse } from 'yaml';
import type { Kind } from './build.ts';
import { isMap } from './go-yaml.ts';

type Config = Record<string, unknown>;

/** What a collector of v0.149 prints for components of which nothing is configured. */
const TEXT = `
exporter: &exporter
  compression: gzip
  retry_on_failure: { enabled: true, initial_interval: 5s, max_elapsed_time: 5m0s, max_interval: 30s,
    multiplier: 1.5, randomization_factor: 0.5 }
  sending_queue: { batch: null, block_on_overflow: false, num_consumers: 10, queue_size: 1000, sizer: {},
    storage: null, wait_for_result: false }
  timeout: 5s
grpc: { endpoint: localhost:4317, keepalive: { enforcement_policy: {}, server_parameters: {} },
  read_buffer_size: 524288, transport: tcp }
http: { cors: null, endpoint: localhost:4318, idle_timeout: 0s, keep_alives_enabled: true, logs_url_path: /v1/logs,
  metrics_url_path: /v1/metrics, read_header_timeout: 0s, tls: null, traces_url_path: /v1/traces, transport: tcp,
  write_timeout: 0s }
telemetry:
  logs: { level: info, sampling: { enabled: true, initial: 10, thereafter: 100, tick: 10s } }
  metrics:
    level: Normal
    readers:
      - pull: { exporter: { prometheus: { host: localhost, port: 8888, without_scope_info: true,
          without_type_suffix: true, without_units: true } } }
processors/batch: { metadata_cardinality_limit: 1000, metadata_keys: [], send_batch_max_size: 0,
  send_batch_size: 8192, timeout: 200ms }
processors/memory_limiter: { check_interval: 0s, limit_mib: 0, limit_percentage: 0,
  min_gc_interval_when_hard_limited: 0s, min_gc_interval_when_soft_limited: 10s, spike_limit_mib: 0,
  spike_limit_percentage: 0 }
exporters/otlp: &otlp { <<: *exporter, balancer_name: round_robin, write_buffer_size: 524288 }
exporters/otlp_grpc: *otlp
exporters/otlp_http: &otlp_http { <<: *exporter, encoding: proto, force_attempt_http2: true, max_idle_conns: 100,
  timeout: 30s, write_buffer_size: 524288 }
exporters/otlphttp: *otlp_http
exporters/debug: { output_paths: [stdout], sampling_initial: 2, sampling_thereafter: 1, use_internal_logger: true,
  verbosity: Basic }
`;
const DEFAULTS: Readonly<Record<string, Config>> = parse(TEXT, { merge: true });

/** The `service.telemetry` that a collector prints, besides what the Supervisor and the configuration set. */
export const TELEMETRY: Config = DEFAULTS['telemetry'] ?? {};

/** A component as its collector prints it: defaults filled in, header values hidden. */
export function printed(kind: Kind, id: string, config: unknown): unknown {
  const type = id.split('/')[0] ?? id;
  const given = isMap(config) ? config : {};
  const full = merge(DEFAULTS[`${kind}/${type}`] ?? {}, given);
  if (kind === 'receivers' && type === 'otlp' && isMap(given['protocols'])) {
    full['protocols'] = otlpProtocols(given['protocols']);
  }
  return redacted(full);
}

function otlpProtocols(given: Config): Config {
  return Object.fromEntries(
    Object.entries(given).map(([name, config]) => {
      return [name, merge(DEFAULTS[name] ?? {}, isMap(config) ? config : {})];
    }),
  );
}

/** Header values are opaque to the collector, and printed as a list. */
function redacted(config: Config): Config {
  if (!isMap(config['headers'])) return config;
  const names = Object.keys(config['headers']).sort();
  return { ...config, headers: names.map((name) => ({ name, value: '[REDACTED]' })) };
}

/** The Collector's rule: maps merge, everything else is replaced. Changes neither. */
export function merge(below: Config, above: Config): Config {
  const merged: Config = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const old = merged[key];
    merged[key] = isMap(old) && isMap(value) ? merge(old, value) : value;
  }
  return merged;
}

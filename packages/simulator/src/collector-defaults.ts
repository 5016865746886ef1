import type { Kind } from './build.ts';
import { isMap } from './go-yaml.ts';

type Config = Record<string, unknown>;

const EXPORTER: Config = {
  compression: 'gzip',
  retry_on_failure: {
    enabled: true,
    initial_interval: '5s',
    max_elapsed_time: '5m0s',
    max_interval: '30s',
    multiplier: 1.5,
    randomization_factor: 0.5,
  },
  sending_queue: {
    batch: null,
    block_on_overflow: false,
    num_consumers: 10,
    queue_size: 1000,
    sizer: {},
    storage: null,
    wait_for_result: false,
  },
  timeout: '5s',
};
const OTLP_EXPORTER: Config = { ...EXPORTER, balancer_name: 'round_robin', write_buffer_size: 524288 };
const OTLP_HTTP_EXPORTER: Config = {
  ...EXPORTER,
  encoding: 'proto',
  force_attempt_http2: true,
  max_idle_conns: 100,
  read_buffer_size: 0,
  timeout: '30s',
  write_buffer_size: 524288,
};
const OTLP_GRPC: Config = {
  endpoint: 'localhost:4317',
  keepalive: { enforcement_policy: {}, server_parameters: {} },
  read_buffer_size: 524288,
  transport: 'tcp',
};
const OTLP_HTTP: Config = {
  cors: null,
  endpoint: 'localhost:4318',
  idle_timeout: '0s',
  keep_alives_enabled: true,
  logs_url_path: '/v1/logs',
  metrics_url_path: '/v1/metrics',
  read_header_timeout: '0s',
  tls: null,
  traces_url_path: '/v1/traces',
  transport: 'tcp',
  write_timeout: '0s',
};

/** By kind and type: what a collector of v0.149 prints for a component of which nothing is configured. */
const DEFAULTS: Readonly<Record<string, Config>> = {
  'receivers/otlp': {},
  'processors/batch': {
    metadata_cardinality_limit: 1000,
    metadata_keys: [],
    send_batch_max_size: 0,
    send_batch_size: 8192,
    timeout: '200ms',
  },
  'processors/memory_limiter': {
    check_interval: '0s',
    limit_mib: 0,
    limit_percentage: 0,
    min_gc_interval_when_hard_limited: '0s',
    min_gc_interval_when_soft_limited: '10s',
    spike_limit_mib: 0,
    spike_limit_percentage: 0,
  },
  'exporters/otlp': OTLP_EXPORTER,
  'exporters/otlp_grpc': OTLP_EXPORTER,
  'exporters/otlphttp': OTLP_HTTP_EXPORTER,
  'exporters/otlp_http': OTLP_HTTP_EXPORTER,
  'exporters/debug': {
    output_paths: ['stdout'],
    sampling_initial: 2,
    sampling_thereafter: 1,
    use_internal_logger: true,
    verbosity: 'Basic',
  },
};

/** The `service.telemetry` that a collector prints, besides what the Supervisor and the config set. */
export const TELEMETRY: Config = {
  logs: { level: 'info', sampling: { enabled: true, initial: 10, thereafter: 100, tick: '10s' } },
  metrics: {
    level: 'Normal',
    readers: [
      {
        pull: {
          exporter: {
            prometheus: {
              host: 'localhost',
              port: 8888,
              without_scope_info: true,
              without_type_suffix: true,
              without_units: true,
            },
          },
        },
      },
    ],
  },
};

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
  const defaults: Config = { grpc: OTLP_GRPC, http: OTLP_HTTP };
  return Object.fromEntries(
    Object.entries(given).map(([name, config]) => {
      return [name, merge((defaults[name] ?? {}) as Config, isMap(config) ? config : {})];
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

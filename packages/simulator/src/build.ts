import { createHash } from 'node:crypto';
import * as wire from './wire.ts';

const CORE = new Set([
  'batch',
  'memory_limiter',
  'debug',
  'nop',
  'otlp',
  'otlp_grpc',
  'otlp_http',
  'otlphttp',
  'forward',
  'zpages',
]);
/** Old names that still work, and what they mean: both are in the list, with one module. */
const ALIASES: Readonly<Record<string, string>> = {
  otlp_grpc: 'otlp',
  otlp_http: 'otlphttp',
  file_log: 'filelog',
};

const TYPES = {
  receivers: `docker_stats file_log filelog fluentforward hostmetrics httpcheck jaeger journald k8s_cluster k8s_events
    kafka kubeletstats mongodb mysql nginx nop otlp postgresql prometheus rabbitmq redis snmp statsd syslog tcplog udplog
    windowseventlog zipkin`,
  processors: `attributes batch cumulativetodelta deltatorate filter groupbyattrs groupbytrace k8sattributes
    memory_limiter metricstransform probabilistic_sampler redaction resource resourcedetection span tail_sampling
    transform`,
  exporters: `awss3 clickhouse datadog debug elasticsearch file kafka loadbalancing nop opensearch otlp otlp_grpc
    otlp_http otlphttp prometheus prometheusremotewrite splunk_hec zipkin`,
  extensions: `basicauth bearertokenauth file_storage headers_setter health_check k8s_observer oauth2client oidc opamp
    pprof zpages`,
  connectors: 'count exceptions failover forward routing servicegraph signaltometrics spanmetrics sum',
} as const;

export type Kind = keyof typeof TYPES;

export const KINDS = Object.keys(TYPES) as readonly Kind[];

/** What a collector binary contains, and how it reports that (contents like those of otelcol-contrib). */
export interface Build {
  readonly version: string;
  readonly types: Readonly<Record<Kind, readonly string[]>>;
  /** Field 14 of AgentToServer: the hash alone, as in a first message. */
  readonly hashOnly: Uint8Array;
  /** Field 14 of AgentToServer with the whole list. */
  readonly components: Uint8Array;
}

/** The build of one version. */
export function build(version: string): Build {
  const types = Object.fromEntries(KINDS.map((kind) => [kind, TYPES[kind].split(/\s+/)])) as unknown as Build['types'];
  const hash = createHash('sha256').update(JSON.stringify(types)).update(version).digest();
  const groups = KINDS.map((kind) => {
    const list = types[kind].map((type) => {
      return [type, wire.attributes(1, [['code.namespace', moduleOf(kind, type, version)]])] as const;
    });
    return [kind, wire.map(2, list)] as const;
  });
  const hashField = wire.bytes(2, hash);
  return {
    version,
    types,
    hashOnly: wire.bytes(14, hashField),
    components: wire.bytes(14, wire.map(1, groups), hashField),
  };
}

/** The Go module of a component, as the collector names it in `code.namespace`. */
function moduleOf(kind: Kind, type: string, version: string): string {
  const singular = kind.slice(0, -1);
  const home = CORE.has(type)
    ? 'go.opentelemetry.io/collector'
    : 'github.com/open-telemetry/opentelemetry-collector-contrib';
  const folder = type.endsWith('_storage') ? 'extension/storage' : singular;
  const name = type.endsWith('_storage') ? type : `${ALIASES[type] ?? type}${singular}`;
  return `${home}/${folder}/${name.replaceAll('_', '')} v${version}`;
}

import { type AgentRemoteConfig, decodeAgentToServer, decodeServerToAgent, encodeRemoteConfig } from '@flaghoist/opamp';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { BROKEN, FIRST, SECOND, UNDECLARED, UNKNOWN } from '../test/configs.ts';
import { Composer, type Composition } from './composer.ts';
import { type ScenarioGroup, scenario } from './scenario.ts';
import type { Fillings, template } from './template.ts';

const [SITE] = scenario({ groups: [{ name: 'edge', count: 2, labels: { role: 'edge' } }] }).groups as [ScenarioGroup];
const FILLINGS = { uid: '01990000-0000-7000-8000-0000000000aa', port: '40000', ppid: '10077', host: 'edge-0001' };
const OTHER = { uid: '02000000-0000-7000-8000-0000000000bb', port: '50000', ppid: '10099', host: 'edge-0002' };

const remote = (hash: string, text: string) => {
  const { bytes } = encodeRemoteConfig({ files: [{ name: '', body: Buffer.from(text) }], hash: Buffer.from(hash) });
  return decodeServerToAgent(bytes).remoteConfig as AgentRemoteConfig;
};
const composed = (text: string, group = SITE): Composition => {
  const composition = new Composer(group).compose(remote('1', text));
  expect(composition.error).toBeUndefined();
  return composition;
};
/** The text in a report with the effective config. */
const filled = (fill: ReturnType<typeof template>, fillings: Fillings = FILLINGS) => {
  const uid = Buffer.concat([Buffer.of(0x0a, 16), Buffer.alloc(16)]);
  const { effectiveConfig } = decodeAgentToServer(Buffer.concat([uid, fill(fillings)]));
  return Buffer.from(effectiveConfig?.configMap?.configMap['']?.body ?? []).toString();
};
const effective = (composition: Composition) => filled(composition.effective);

describe('a composition', () => {
  test('is printed as the collector prints it: defaults filled in, secrets hidden', () => {
    const printed = parse(effective(composed(FIRST)));
    expect(printed).toMatchObject({
      exporters: {
        'otlp/primary': {
          compression: 'gzip',
          headers: [{ name: 'api-key', value: '[REDACTED]' }],
          retry_on_failure: { enabled: true, initial_interval: '5s' },
          sending_queue: { num_consumers: 10, queue_size: 1000 },
          timeout: '5s',
        },
      },
      extensions: {
        opamp: {
          instance_uid: FILLINGS.uid,
          ppid: 10077,
          server: { ws: { endpoint: 'ws://127.0.0.1:40000/v1/opamp' } },
        },
      },
      processors: { batch: { send_batch_size: 512, timeout: '5s', metadata_cardinality_limit: 1000 } },
      receivers: { otlp: { protocols: { grpc: { endpoint: '0.0.0.0:4317', transport: 'tcp' } } } },
      connectors: {},
      service: {
        extensions: ['opamp'],
        telemetry: { resource: { role: 'edge', 'host.name': 'edge-0001', 'service.instance.id': FILLINGS.uid } },
      },
    });
    expect(Object.keys(printed.receivers.otlp.protocols)).toEqual(['grpc']);
  });

  test('differs between agents only in its holes', () => {
    let text = filled(composed(FIRST).effective, OTHER);
    for (const hole of ['uid', 'port', 'ppid', 'host'] as const) {
      expect(text).toContain(OTHER[hole]);
      text = text.replaceAll(OTHER[hole], FILLINGS[hole]);
    }
    expect(text).toBe(effective(composed(FIRST)));
  });

  test('is not redacted in the words of the Supervisor', () => {
    const own = filled(composed(FIRST).own);
    expect(own).toContain('secret');
    expect(own).not.toContain('compression');
  });

  test('has the local configuration below', () => {
    const printed = parse(
      effective(composed(SECOND, { ...SITE, config: 'extensions: { zpages: {} }\nservice: { extensions: [zpages] }' })),
    );
    expect(printed.service.extensions).toEqual(['opamp', 'zpages']);
  });

  test.each([2, 20])('is padded to %i KiB, and stays a configuration', (kib) => {
    const text = effective(composed('', { ...SITE, effectiveConfigSize: kib * 1024 }));
    expect(text.length).toBeGreaterThanOrEqual(kib * 1024 - 60);
    expect(text.length).toBeLessThan(kib * 1024 + 400);
    expect(parse(text).extensions).toHaveProperty('opamp');
  });

  test.each([
    ['unknown type', UNKNOWN, `'exporters' unknown type: "otlpp" for id: "otlpp/x" (valid values: [`],
    ['undeclared', UNDECLARED, 'service::pipelines::traces: references processor "nope" which is not configured'],
    ['nothing in', FIRST.replace('[otlp],', '[],'), 'service::pipelines::traces: must have at least one receiver'],
    [
      'extension',
      `${FIRST}  extensions: [pprof]`,
      'service::extensions: references extension "pprof" which is not configured',
    ],
  ])('tells what the collector would: %s', (_, text, fault) => {
    expect(composed(text).fault).toContain(fault);
  });

  test('finds nothing wrong with connectors, and with no pipelines at all', () => {
    const text = `receivers: { otlp: {} }
exporters: { nop: {} }
connectors: { spanmetrics: {} }
service:
  pipelines:
    traces: { receivers: [otlp], exporters: [spanmetrics] }
    metrics: { receivers: [spanmetrics], exporters: [nop] }`;
    expect(composed(text).fault).toBeUndefined();
    expect(composed(text).parts['pipeline:metrics']).toEqual(['connector:spanmetrics', 'exporter:nop']);
    expect(composed('receivers: { otlp: {} }').fault).toBeUndefined();
  });

  test.each([
    ['broken', BROKEN, 'yaml: line 11: mapping values are not allowed in this context'],
    [
      'a scalar',
      'hello',
      'yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `hello` into map[string]interface {}',
    ],
    ['a list', '- a', 'cannot unmarshal !!seq into map'],
    [
      'a bomb',
      `a: &a [x,x]\n${Array.from({ length: 9 }, (_, i) => `${i}: &b${i} [*${i === 0 ? 'a' : `b${i - 1}`}, *${i === 0 ? 'a' : `b${i - 1}`}]`).join('\n')}`,
      'yaml: document contains excessive aliasing',
    ],
  ])('is refused when the body is %s', (_, text, error) => {
    expect(new Composer(SITE).compose(remote('1', text)).error).toContain(error);
  });
});

test('a composer makes each configuration once, and takes a server at its texts, not at its hashes', () => {
  const composer = new Composer(SITE);
  const first = composer.compose(remote('1', FIRST));
  expect(composer.compose(remote('1', FIRST))).toBe(first);
  expect(composer.compose(remote('2', `${FIRST}# the same`)).text).toBe(first.text);
  expect(composer.compose(remote('1', SECOND)).text).not.toBe(first.text);
});

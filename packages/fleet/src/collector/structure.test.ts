import { describe, expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { compareStructures, type Structure, understand } from './structure.ts';

function structure(...bodies: string[]): Structure {
  const named = Object.fromEntries(bodies.map((body, index) => [index === bodies.length - 1 ? '' : `${index}`, body]));
  const understood = understand(named);
  if ('unparsed' in understood) throw new Error(understood.unparsed);
  return understood.structure;
}
const unparsed = (body: string): string | undefined => {
  const understood = understand({ '': body });
  return 'unparsed' in understood ? understood.unparsed : undefined;
};

/** What people write. */
const OFFERED = `
receivers:
  otlp:
    protocols: {grpc: {endpoint: 0.0.0.0:4317}}
  hostmetrics:
    collection_interval: 30s
    scrapers: {cpu: , memory: }
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 512}
  batch:
exporters:
  otlp/primary: {endpoint: "\${env:GATEWAY}"}
  otlp/secondary: {endpoint: backup:4317, headers: {authorization: secret}}
connectors:
  spanmetrics:
extensions:
  health_check:
service:
  extensions: [health_check]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [otlp/primary, otlp/secondary, spanmetrics]
    metrics/host:
      receivers: [hostmetrics, spanmetrics]
      exporters: [otlp/primary]
`;

/** What the collector prints of it: defaults, expansions, redactions, block style, keys sorted, the Supervisor's parts. */
const EFFECTIVE = `
connectors:
    spanmetrics:
        dimensions_cache_size: 1000
        histogram: {disable: false}
exporters:
    otlp/primary:
        compression: gzip
        endpoint: gateway:4317
        sending_queue: {enabled: true, num_consumers: 10}
    otlp/secondary:
        endpoint: backup:4317
        headers:
            authorization: '[REDACTED]'
extensions:
    health_check: {endpoint: localhost:13133}
    opamp:
        instance_uid: 0198aaaa-bbbb-7ccc-8ddd-000000000001
        ppid: 4711
        server: {ws: {endpoint: ws://127.0.0.1:39083/v1/opamp}}
processors:
    batch: {send_batch_size: 8192, timeout: 200ms}
    memory_limiter: {check_interval: 1s, limit_mib: 512}
receivers:
    hostmetrics:
        collection_interval: 30s
    otlp:
        protocols: {grpc: {endpoint: 0.0.0.0:4317}}
service:
    extensions:
        - opamp
        - health_check
    pipelines:
        metrics/host:
            exporters: [otlp/primary]
            processors: []
            receivers: [hostmetrics, spanmetrics]
        traces:
            exporters: [otlp/primary, otlp/secondary, spanmetrics]
            processors: [memory_limiter, batch]
            receivers: [otlp]
    telemetry: {logs: {encoding: json}}
`;

describe('understand', () => {
  test('ids by section, wiring of each pipeline, enabled extensions', () => {
    expect(structure(OFFERED)).toEqual({
      receivers: ['otlp', 'hostmetrics'],
      processors: ['memory_limiter', 'batch'],
      exporters: ['otlp/primary', 'otlp/secondary'],
      connectors: ['spanmetrics'],
      extensions: ['health_check'],
      'service.pipelines': ['traces', 'metrics/host'],
      'service.pipelines.traces.receivers': ['otlp'],
      'service.pipelines.traces.processors': ['memory_limiter', 'batch'],
      'service.pipelines.traces.exporters': ['otlp/primary', 'otlp/secondary', 'spanmetrics'],
      'service.pipelines.metrics/host.receivers': ['hostmetrics', 'spanmetrics'],
      'service.pipelines.metrics/host.processors': [],
      'service.pipelines.metrics/host.exporters': ['otlp/primary'],
      'service.extensions': ['health_check'],
    });
  });

  test('anchors, aliases and merge keys are followed', () => {
    expect(
      structure(`
x-common: &common {receivers: [otlp], exporters: [debug]}
receivers: &r {otlp: }
exporters: {<<: {debug: }}
service:
  pipelines:
    traces: *common
    logs: {<<: *common, exporters: [debug/2]}
    metrics: {<<: [*common, {processors: [batch]}]}
`),
    ).toMatchObject({
      exporters: ['debug'],
      'service.pipelines.traces.receivers': ['otlp'],
      'service.pipelines.traces.processors': [],
      'service.pipelines.traces.exporters': ['debug'],
      'service.pipelines.logs.receivers': ['otlp'],
      'service.pipelines.logs.exporters': ['debug/2'],
      'service.pipelines.metrics.receivers': ['otlp'],
      'service.pipelines.metrics.processors': ['batch'],
      'service.pipelines.metrics.exporters': ['debug'],
    });
  });

  test('several texts merge as the Supervisor merges them: by key, the empty one last', () => {
    const understood = understand({
      '': 'service: {pipelines: {traces: {exporters: [b]}}}',
      z: 'exporters: {a: , z: }\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [a]}}}',
      a: 'receivers: {otlp: }\nexporters: {a: {x: 1}}',
    });
    expect(understood).toMatchObject({
      structure: {
        receivers: ['otlp'],
        exporters: ['a', 'z'],
        'service.pipelines.traces.receivers': ['otlp'],
        'service.pipelines.traces.exporters': ['b'],
      },
    });
  });

  test.each([
    ['', 'nothing'],
    ['{}', 'an empty mapping'],
    ['receivers: [otlp]\nservice: 3', 'sections of another kind'],
    [
      'service: {pipelines: {traces: null, logs: [a], metrics: {receivers: otlp, exporters: [1, {a: b}, null]}}}',
      'pipelines of another kind',
    ],
    ['~', 'null'],
  ])('%j has no parts (%s)', (body) => {
    const { 'service.pipelines': _pipelines, ...rest } = structure(body);
    expect(Object.values(rest).flat()).toEqual([]);
  });

  test('a real-world text with CRLF, tabs in values, unicode, numbers as keys', () => {
    const found = structure(
      'receivers:\r\n  otlp:\r\n    x: "a\tb"\r\n  1: {}\r\nservice:\r\n  pipelines:\r\n    traces/ü:\r\n      receivers: [otlp]\r\n',
    );
    expect(found).toMatchObject({ receivers: ['1', 'otlp'], 'service.pipelines.traces/ü.receivers': ['otlp'] });
  });

  test('keys of the prototype are keys (R18)', () => {
    const found = structure(
      'receivers: {__proto__: {polluted: 1}, constructor: }\nservice: {pipelines: {__proto__: {receivers: [x]}, toString: {receivers: [y]}}}',
    );
    expect(found).toMatchObject({
      receivers: ['__proto__', 'constructor'],
      'service.pipelines': ['__proto__', 'toString'],
      'service.pipelines.__proto__.receivers': ['x'],
      'service.pipelines.toString.receivers': ['y'],
    });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('hostile text (R16)', () => {
  const bomb = [
    'a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]',
    ...[...'bcdefgh'].map((key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(', ')}]`),
  ].join('\n');
  const repeated = (text: string, times: number): string => text.repeat(times);

  test.each([
    ['an alias bomb', bomb, 'alias'],
    ['a merge bomb', `a: &a {x: 1}\nb: {<<: [${Array(4_000).fill('*a').join(', ')}]}`, 'alias'],
    ['flow depth', repeated('[', 100_000), `deeper than ${LIMITS.yamlDepth}`],
    ['flow depth, closed', `a: ${repeated('[', 1_000)}${repeated(']', 1_000)}`, 'deeper'],
    ['maps in maps', repeated('{a: ', 100_000), 'deeper'],
    ['sequences in sequences', repeated('- ', 100_000), 'deeper'],
    ['explicit keys', repeated('? ', 100_000), 'deeper'],
    ['block depth', Array.from({ length: 500 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'), 'deeper'],
    [
      '40,000 keys',
      Array.from({ length: 40_000 }, (_, n) => `key${n}: v`).join('\n'),
      `more than ${LIMITS.yamlNodes} YAML nodes`,
    ],
    ['a million lines', repeated('\n', 1_000_000), 'pieces of text'],
    ['commas', `[${repeated(',', 1_000_000)}`, 'pieces of text'],
    ['an unknown alias', 'a: *b', 'Unresolved alias'],
    ['an endless quote', 'a: "b', 'Missing closing "quote'],
    ['two documents', 'a: 1\n---\nb: 2\n', 'more than one YAML document'],
    ['a list', '- a\n- b\n', 'not a mapping'],
    ['a scalar', 'hello', 'not a mapping'],
    ['a mapping as key', '{a: 1}: 2', 'must be'],
    ['one character over the limit', repeated('a', LIMITS.effectiveBytes + 1), 'larger than'],
  ])('%s ends as unparsed', (_, body, words) => expect(unparsed(body)).toContain(words));

  test('never throws, and the worst stay within a worker’s budget', () => {
    const texts: Record<string, string> = {
      '20,000 keys': Array.from({ length: 20_000 }, (_, n) => `key${n}: v`).join('\n'),
      '40,000 keys': Array.from({ length: 40_000 }, (_, n) => `key${n}: v`).join('\n'),
      'flow depth 1,000,000': repeated('[', 1_000_000),
      '1,000,000 line ends': repeated('\n', 1_000_000),
      '500,000 closing brackets': repeated(']', 500_000),
      'a scalar of 1 MiB': `a: "${repeated('x', LIMITS.effectiveBytes - 10)}"`,
      'folded lines': `a: >\n${repeated('  a\n', 200_000)}`,
      'an alias bomb': bomb,
      '90 aliases of 4,000 keys': `a: &a {${Array.from({ length: 4_000 }, (_, n) => `k${n}: 1`).join(', ')}}\nb:\n${Array.from({ length: 90 }, (_, n) => `  c${n}: *a`).join('\n')}`,
    };
    const took = Object.entries(texts).map(([name, body]) => {
      const began = performance.now();
      understand({ '': body });
      return [name, Math.round(performance.now() - began)] as const;
    });
    console.log('understand, ms:', Object.fromEntries(took));
    for (const [name, millis] of took) expect(millis, name).toBeLessThan(4_000);
  });
});

describe('compareStructures (S5)', () => {
  const offered = structure(OFFERED);
  const verdict = (effective: string) => compareStructures(offered, structure(effective));

  test('defaults, expansions, redactions and added parts are no contradiction', () => {
    expect(verdict(EFFECTIVE)).toEqual({ kind: 'confirmed', why: '' });
    expect(compareStructures(offered, offered)).toEqual({ kind: 'confirmed', why: '' });
  });

  test('processors that the site adds between are none either', () => {
    expect(verdict(EFFECTIVE.replace('[memory_limiter, batch]', '[memory_limiter, resource, batch, x]'))).toEqual({
      kind: 'confirmed',
      why: '',
    });
  });

  test.each([
    [
      'a component is missing',
      '    otlp/secondary:\n',
      '    otlp/third:\n',
      'otlp/secondary is missing from exporters of the effective config',
    ],
    [
      'a receiver is missing',
      '    hostmetrics:\n',
      '    other:\n',
      'hostmetrics is missing from receivers of the effective config',
    ],
    [
      'a pipeline is missing',
      '        metrics/host:\n',
      '        metrics/other:\n',
      'metrics/host is missing from service.pipelines of the effective config',
    ],
    [
      'a wire to an exporter is missing',
      '[otlp/primary, otlp/secondary, spanmetrics]',
      '[otlp/primary, spanmetrics]',
      'otlp/secondary is missing from service.pipelines.traces.exporters of the effective config',
    ],
    [
      'a wire from a receiver is missing',
      '[hostmetrics, spanmetrics]',
      '[hostmetrics]',
      'spanmetrics is missing from service.pipelines.metrics/host.receivers of the effective config',
    ],
    [
      'processors in another order',
      '[memory_limiter, batch]',
      '[batch, memory_limiter]',
      'service.pipelines.traces.processors is [batch, memory_limiter] in the effective config, not [memory_limiter, batch] in this order',
    ],
    [
      'a processor is missing',
      '[memory_limiter, batch]',
      '[batch]',
      'memory_limiter is missing from service.pipelines.traces.processors of the effective config',
    ],
    [
      'an extension is not enabled',
      '        - health_check\n',
      '',
      'health_check is missing from service.extensions of the effective config',
    ],
  ])('%s: contradicted', (_, from, to, why) => {
    expect(EFFECTIVE).toContain(from);
    expect(verdict(EFFECTIVE.replace(from, to))).toEqual({ kind: 'contradicted', why });
  });

  test.each([
    [
      'an id that is expanded',
      `exporters: {"\${env:KIND}/a": }\nservice: {pipelines: {traces: {exporters: ["\${env:KIND}/a"]}}}`,
    ],
    ['a pipeline name that is', `service: {pipelines: {"traces/\${env:X}": {exporters: [a]}}}`],
    ['a processor that is', `service: {pipelines: {traces: {processors: ["\${env:P}"]}}}`],
    ['a redacted one', 'service: {extensions: ["[REDACTED]"], pipelines: {traces: {}}}'],
    ['pipelines in another place', `service: "\${file:service.yaml}"`],
    ['nothing at all', ''],
  ])('%s leaves it open', (_, text) => {
    const effective = structure(EFFECTIVE);
    expect(compareStructures(structure(text), effective).kind).toBe('inconclusive');
  });

  test('but what is certain still contradicts', () => {
    const half = structure(`exporters: {"\${env:KIND}": , gone: }\nservice: {pipelines: {traces: {}}}`);
    expect(compareStructures(half, structure(EFFECTIVE))).toMatchObject({
      kind: 'contradicted',
      why: 'gone is missing from exporters of the effective config',
    });
  });

  test('an empty effective config contradicts', () => expect(verdict('').kind).toBe('contradicted'));

  test('a pipeline named like a method is looked up among the pipelines (R18)', () => {
    const hostile = structure('service: {pipelines: {constructor: {receivers: [a]}}}');
    const plain = JSON.parse(JSON.stringify(structure(EFFECTIVE)));
    expect(compareStructures(hostile, plain)).toMatchObject({ kind: 'contradicted' });
  });

  test('survives JSON, as a worker or a store hands it on', () => {
    expect(
      compareStructures(JSON.parse(JSON.stringify(offered)), JSON.parse(JSON.stringify(structure(EFFECTIVE)))),
    ).toEqual({ kind: 'confirmed', why: '' });
  });
});

import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { BROKEN, FIRST, SECOND, UNDECLARED, UNKNOWN } from '../test/configs.ts';
import { build } from './build.ts';
import { Composer } from './composer.ts';
import { type Composition, compose } from './composition.ts';

const SITE = { build: build('0.149.0'), attributes: { role: 'edge' }, local: '', effectiveBytes: 0 };
const FILLINGS = { uid: '0199-aa', port: '40000', ppid: '77', host: 'edge-0001' };

function composed(text: string | undefined, site = SITE): Composition {
  const result = compose(site, text === undefined ? undefined : new Map([['', Buffer.from(text)]]));
  if ('error' in result) throw new Error(result.error);
  return result;
}
const effective = (composition: Composition) => Buffer.concat(composition.effective.fill(FILLINGS)).toString();

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
          instance_uid: '0199-aa',
          ppid: 77,
          server: { ws: { endpoint: 'ws://127.0.0.1:40000/v1/opamp' } },
        },
      },
      processors: { batch: { send_batch_size: 512, timeout: '5s', metadata_cardinality_limit: 1000 } },
      receivers: { otlp: { protocols: { grpc: { endpoint: '0.0.0.0:4317', transport: 'tcp' } } } },
      connectors: {},
      service: {
        extensions: ['opamp'],
        telemetry: { resource: { role: 'edge', 'host.name': 'edge-0001', 'service.instance.id': '0199-aa' } },
      },
    });
    expect(Object.keys(printed.receivers.otlp.protocols)).toEqual(['grpc']);
  });

  test('differs between agents only in its holes', () => {
    const other = { uid: '0200-aa', port: '50000', ppid: '99', host: 'edge-0002' };
    const text = Buffer.concat(composed(FIRST).effective.fill(other)).toString();
    const swapped = text
      .replaceAll('0200', '0199')
      .replace('50000', '40000')
      .replace(': 99', ': 77')
      .replace('0002', '0001');
    expect(swapped).toBe(effective(composed(FIRST)));
  });

  test('is not redacted in the words of the Supervisor', () => {
    const own = Buffer.concat(composed(FIRST).own.fill(FILLINGS)).toString();
    expect(own).toContain('secret');
    expect(own).not.toContain('compression');
  });

  test('has the local configuration below', () => {
    const printed = parse(
      effective(composed(SECOND, { ...SITE, local: 'extensions: { zpages: {} }\nservice: { extensions: [zpages] }' })),
    );
    expect(printed.service.extensions).toEqual(['opamp', 'zpages']);
  });

  test.each([2, 20])('is padded to %i KiB, and stays a configuration', (kib) => {
    const text = effective(composed('', { ...SITE, effectiveBytes: kib * 1024 }));
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
    expect(composed(text).parts.get('pipeline:metrics')).toEqual(['connector:spanmetrics', 'exporter:nop']);
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
    expect(compose(SITE, new Map([['', Buffer.from(text)]]))).toMatchObject({
      error: expect.stringContaining(error),
    });
  });
});

test('a composer makes each distinct configuration once, whatever its hash', () => {
  const composer = new Composer(SITE);
  const remote = (hashText: string, text: string) => {
    return { hash: Buffer.from(hashText), hashText, bodies: new Map([['', Buffer.from(text)]]) };
  };
  const first = composer.compose(remote('1', FIRST));
  expect(composer.compose(remote('1', FIRST))).toBe(first);
  expect(composer.compose(remote('2', `${FIRST}# the same`))).toBe(first);
  expect(composer.compose(remote('1', SECOND))).not.toBe(first);
});

// The two ends of a telemetry pipeline: a backend that remembers which spans it was sent, and a sender of spans.
import { randomBytes } from 'node:crypto';
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { gunzipSync } from 'node:zlib';
import type { Lab } from './lab.ts';

export interface OtlpSink {
  /** `host:port` for an OTLP/gRPC exporter without TLS. */
  readonly endpoint: string;
  /** Names of all spans received, in order. */
  readonly spans: readonly string[];
}

/** An OTLP/gRPC trace backend (h2c) that accepts everything. */
export async function otlpSink(lab: Lab): Promise<OtlpSink> {
  const spans: string[] = [];
  const endpoint = await listen(lab, (stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      spans.push(...spanNames(unwrap(Buffer.concat(chunks))));
      succeed(stream);
    });
  });
  return { endpoint, spans };
}

/** One that takes what it is sent and never answers. */
export async function stallingSink(lab: Lab): Promise<OtlpSink> {
  return { endpoint: await listen(lab, (stream) => stream.resume()), spans: [] };
}

/** `host:port` of an HTTP/2 server without TLS. */
async function listen(lab: Lab, onStream: (stream: ServerHttp2Stream) => void): Promise<string> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session.on('close', () => sessions.delete(session)));
  });
  server.on('stream', (stream) => onStream(stream.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  lab.onClose(async () => {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `127.0.0.1:${address.port}`;
}

/** Sends one span to a Collector's OTLP/HTTP receiver. Throws when it is not accepted. */
export async function sendSpan(port: number, name: string): Promise<void> {
  const nanoseconds = `${Date.now()}000000`;
  const ids = { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') };
  const span = { ...ids, name, kind: 1, startTimeUnixNano: nanoseconds, endTimeUnixNano: nanoseconds };
  const response = await fetch(`http://127.0.0.1:${port}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ resource: {}, scopeSpans: [{ spans: [span] }] }] }),
  });
  if (!response.ok) throw new Error(`the Collector refused a span: ${response.status} ${await response.text()}`);
}

/** The message in a gRPC request: flag (1 = gzip), length in four bytes, message. */
function unwrap(body: Buffer): Buffer {
  const message = body.subarray(5, 5 + body.readUInt32BE(1));
  return body[0] === 1 ? gunzipSync(message) : message;
}

function succeed(stream: ServerHttp2Stream): void {
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.end(Buffer.alloc(5)); // An empty ExportTraceServiceResponse.
}

/** ExportTraceServiceRequest.resource_spans (1) .scope_spans (2) .spans (2) .name (5). */
function spanNames(request: Buffer): string[] {
  return [1, 2, 2, 5]
    .reduce<Buffer[]>((messages, field) => messages.flatMap((message) => fieldsOf(message, field)), [request])
    .map((name) => name.toString());
}

/** The length-delimited values of one field number; the other wire types are skipped. */
function fieldsOf(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const wireType = tag & 7;
    if (wireType === 0) varint();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else {
      const length = varint();
      if (tag >>> 3 === wanted) found.push(message.subarray(at, at + length));
      at += length;
    }
  }
  return found;
}

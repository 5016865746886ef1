/** Fuzzes the real program over both transports and its API, beside agents that must not notice (R11 to R13, R18, R19). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import {
  decodeAgentToServer,
  decodeServerToAgent,
  defaultLimits,
  encodeAgentToServer,
  frame,
  newUuidV7,
  peekInstanceUid,
  uidToBytes,
  unframe,
} from '@flaghoist/opamp';
import { WebSocket } from 'ws';
import { applied, edge, failed, LabAgent, silent, story, until } from '../lab.ts';
import { Program } from '../program.ts';
import { type Random, randomOf } from '../random.ts';
import { mutated, pick, randomBytes } from './mutations.ts';
import type { Reading } from './probe.ts';
import { ask, PROBED } from './probe-channel.ts';

const SOCKETS = 4;
/** Frames that a socket has under way; an answer to a ping says that all of them were heard. */
const BATCH = 200;
const HEALTHY = 5;
/** The identities that fuzzed messages come from: they must not become a million agents. */
const IDENTITIES = 64;

export interface Report {
  readonly inputs: number;
  readonly refused: number;
  readonly closed: number;
  /** CPU of the longest callback, ms, and what for. */
  readonly longest: Reading['longest'];
  /** Resident memory before and after, bytes. */
  readonly rss: readonly [before: number, after: number];
  /** The longest that an agent beside it waited for an answer, ms. */
  readonly slowest: number;
}

/** Everything that agents said in the course of a push, each in its way. */
async function recorded(server: Program): Promise<Uint8Array[]> {
  const messages: Uint8Array[] = [];
  class Recorded extends LabAgent {
    override send(message: Parameters<LabAgent['send']>[0]): void {
      messages.push(encodeAgentToServer(message));
      super.send(message);
    }
  }
  const labels = { labels: { role: 'fuzz' } };
  const outcomes = [applied, failed('no such exporter'), silent];
  const agents = outcomes.map((outcome) => new Recorded({ server }, { ...labels, outcome }));
  await Promise.all(agents.map((agent) => agent.connect()));
  await until(
    () => server.client.getGroup({ name: 'fuzz' }),
    (group) => group.agents === agents.length,
  );
  await push(server, 'fuzz', story('otlp/recorded'));
  await until(
    () => agents.filter(({ offers }) => offers.length > 0).length,
    (count) => count === agents.length,
  );
  for (const agent of agents) {
    agent.send(agent.report());
    agent.send(agent.fullState());
    agent.send(agent.goodbye());
    agent.drop();
  }
  return messages;
}

/** Agents may tell anything of their components, which is then odd. */
const CONFIRMED = ['G2', 'G6', 'G8'] as const;

async function push(server: Program, name: string, body: string) {
  const { number } = await server.client.createRevision({ name, body: { files: { '': { body } }, message: 'test' } });
  const overrides = { maxInFlight: '100%', maxFailed: '100%' };
  const request = {
    group: name,
    configuration: name,
    revision: number,
    message: 'test',
    supersede: true,
    overrides,
    confirm: [...CONFIRMED],
  };
  const { rollouts } = await server.client.startRollout({ body: request });
  return rollouts[0]?.id ?? '';
}

/** A message with one of the identities, where it has one at all. */
function inputOf(random: Random, messages: readonly Uint8Array[], identities: readonly Uint8Array[]): Buffer {
  const bytes = mutated(random, messages);
  const uid = peekInstanceUid(bytes);
  if (uid === undefined || random() < 0.0001) return bytes;
  const at = bytes.indexOf(uidToBytes(uid));
  if (at >= 0) bytes.set(pick(random, identities), at);
  return bytes;
}

const isMessage = (bytes: Uint8Array): boolean => {
  try {
    decodeAgentToServer(bytes);
    return true;
  } catch {
    return false;
  }
};

/** A connection that sends batches, and opens anew when it was closed. */
class Fuzzer {
  refused = 0;
  closed = 0;
  #socket: WebSocket | undefined;
  #refusals = 0;
  readonly #server: Program;

  constructor(server: Program) {
    this.#server = server;
  }

  async #open(): Promise<WebSocket> {
    if (this.#socket?.readyState === WebSocket.OPEN) return this.#socket;
    const socket = new WebSocket(`ws://${this.#server.addresses.opamp}/v1/opamp`, { perMessageDeflate: false });
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      if (decodeServerToAgent(unframe(data)).errorResponse !== undefined) this.#refusals += 1;
    });
    await once(socket, 'open');
    this.#socket = socket;
    return socket;
  }

  /** Each message that is none is refused, unless the connection is closed. */
  async send(random: Random, inputs: readonly Uint8Array[]): Promise<void> {
    const socket = await this.#open();
    this.#refusals = 0;
    let expected = 0;
    for (const input of inputs) {
      const way = random();
      if (way < 0.001) socket.send(input.toString(), { binary: false });
      else if (way < 0.01) socket.send(input);
      else socket.send(frame(input));
      const heard = way < 0.01 ? tryUnframe(input, way < 0.001) : input;
      if (heard === undefined || !isMessage(heard)) expected += 1;
    }
    socket.ping();
    const happened = await new Promise<'pong' | 'close'>((resolve) => {
      socket.once('pong', () => resolve('pong'));
      socket.once('close', () => resolve('close'));
    });
    socket.removeAllListeners('pong').removeAllListeners('close');
    if (happened === 'pong') assert.equal(this.#refusals, expected, 'refused messages');
    else this.closed += 1;
    this.refused += this.#refusals;
  }

  end(): void {
    this.#socket?.terminate();
  }
}

function tryUnframe(data: Uint8Array, isText: boolean): Uint8Array | undefined {
  try {
    return isText ? undefined : unframe(data);
  } catch {
    return undefined;
  }
}

const TYPES = ['application/x-protobuf', 'application/x-protobuf', 'application/json\ta', 'text/plain', ''];
const ENCODINGS = ['identity', 'gzip', 'gzip, gzip', 'br', '__proto__'];

async function post(server: Program, random: Random, input: Uint8Array): Promise<number> {
  const encoding = random() < 0.8 ? 'identity' : pick(random, ENCODINGS);
  const headers = {
    'Content-Type': random() < 0.8 ? 'application/x-protobuf' : pick(random, TYPES),
    'Content-Encoding': encoding,
    'OpAMP-Instance-UID': pick(random, ['', '__proto__', '01a1ffad434e7fb995160296015601cd']),
  };
  const body = new Uint8Array(encoding === 'gzip' && random() < 0.8 ? gzipSync(input) : input);
  const response = await fetch(`http://${server.addresses.opamp}/v1/opamp`, { method: 'POST', headers, body });
  const answer = await response.bytes();
  // What is repeated 300 times can be more than a message may be.
  const allowed = input.length > defaultLimits.receiveBytes ? [413, 415] : [200, 400, 415];
  assert.ok(allowed.includes(response.status), `HTTP ${response.status} for ${input.length} bytes`);
  if (response.status === 200) decodeServerToAgent(answer);
  return response.status;
}

const KEYS = ['__proto__', 'constructor', 'files', '', 'body', 'selector', 'labels', 'message', '\u0000'];
const CALLS = [
  'PUT /configurations/edge',
  'POST /configurations/edge/revisions',
  'PUT /groups/odd',
  'POST /rollouts',
  'PATCH /agents/nobody',
  'GET /agents?selector=',
  'GET /events?after=',
  'GET /agents?cursor=',
  'POST /%ff',
  'DELETE /groups/',
] as const;

/** JSON that nobody meant. */
function oddJson(random: Random, depth = 0): string {
  const kind = random();
  if (depth > 6 || kind < 0.3)
    return pick(random, ['null', '1e999', '-0', '"x"', '"\\ud800"', 'true', '[]', '1', '""']);
  if (kind < 0.35) return '['.repeat(10_000);
  const parts = Array.from({ length: Math.floor(random() * 4) }, () => oddJson(random, depth + 1));
  if (kind < 0.5) return `[${parts.join()}]`;
  return `{${parts.map((part) => `${JSON.stringify(pick(random, KEYS))}:${part}`).join()}}`;
}

/** What is wrong is refused as a problem; nothing is the server's fault. */
async function call(server: Program, random: Random): Promise<void> {
  const [method, path] = pick(random, CALLS).split(' ') as [string, string];
  const more =
    path.endsWith('=') || path.endsWith('/') ? encodeURIComponent(randomBytes(random, 40).toString('latin1')) : '';
  const body = method === 'GET' || method === 'DELETE' ? null : oddJson(random);
  const type = random() < 0.9 ? 'application/json' : pick(random, TYPES);
  // The stream of events has no end.
  const signal = AbortSignal.timeout(30_000);
  const request = { method, body, signal, ...(body === null ? {} : { headers: { 'Content-Type': type } }) };
  const response = await fetch(`http://${server.addresses.api}/api/v1${path}${more}`, request);
  if (response.headers.get('content-type') === 'text/event-stream') return response.body?.cancel();
  const text = await response.text();
  assert.ok(response.status < 500, `${method} ${path}${more} ${body?.slice(0, 200)}: ${response.status} ${text}`);
  if (response.status >= 400) assert.match(response.headers.get('content-type') ?? '', /problem\+json/, text);
}

/** A heartbeat of each, and how long the slowest waited for its answer, ms. */
async function beat(agents: readonly LabAgent[]): Promise<number> {
  const began = performance.now();
  const before = agents.map(({ received }) => received.length);
  for (const agent of agents) agent.send(agent.report());
  await until(
    () => agents.every(({ received }, index) => received.length > (before[index] ?? 0)),
    (all) => all,
    30_000,
  );
  return performance.now() - began;
}

/** @throws what did not hold; the seed repeats the inputs. */
export async function fuzz({ inputs, seed, tell }: { inputs: number; seed: number; tell?: (report: Report) => void }) {
  const random = randomOf(seed);
  await using server = await Program.create(PROBED);
  await server.start();
  for (const name of ['edge', 'fuzz']) {
    await server.client.putConfiguration({ name, body: {} });
    await server.client.putGroup({
      name,
      body: { selector: `role=${name}`, configuration: name, strategy: 'all-at-once' },
    });
  }
  const healthy = Array.from({ length: HEALTHY }, () => new LabAgent({ server }, edge));
  await Promise.all(healthy.map((agent) => agent.connect()));
  const messages = await recorded(server);
  const identities = Array.from({ length: IDENTITIES }, (_, index) => uidToBytes(newUuidV7(index, new Uint8Array(10))));
  const fuzzers = Array.from({ length: SOCKETS }, () => new Fuzzer(server));
  const { rss } = await ask(server);

  const worst = { longest: { ms: 0, type: '' }, slowest: 0 };
  let sent = 0;
  let refusedPosts = 0;
  const report = async (): Promise<Report> => {
    const reading = await ask(server);
    assert.deepEqual(reading.polluted, []);
    if (reading.longest.ms > worst.longest.ms) worst.longest = reading.longest;
    const sum = (value: (fuzzer: Fuzzer) => number) => fuzzers.reduce((total, one) => total + value(one), 0);
    const refused = refusedPosts + sum((one) => one.refused);
    return { ...worst, inputs: sent, refused, closed: sum((one) => one.closed), rss: [rss, reading.rss] };
  };
  for (let turn = 1; sent < inputs; turn += 1) {
    const batches = fuzzers.map(() => Array.from({ length: BATCH }, () => inputOf(random, messages, identities)));
    const posts = Array.from({ length: BATCH / 10 }, () => inputOf(random, messages, identities));
    const work = [
      ...fuzzers.map((fuzzer, index) => fuzzer.send(random, batches[index] ?? [])),
      ...posts.map(async (input) => {
        if ((await post(server, random, input)) !== 200) refusedPosts += 1;
      }),
      ...Array.from({ length: 2 }, () => call(server, random)),
    ];
    await Promise.all(work);
    sent += work.length - SOCKETS + SOCKETS * BATCH;
    worst.slowest = Math.max(worst.slowest, await beat(healthy));
    // So that what is said about configurations meets open entries.
    if (turn % 10 === 0) await push(server, 'fuzz', `# ${turn}\n${story()}`);
    if (turn % 100 === 0) tell?.(await report());
  }

  const rollout = await push(server, 'edge', story());
  const ended = await until(
    () => server.client.getRollout({ id: rollout }),
    ({ state }) => state !== 'running',
    30_000,
  );
  assert.deepEqual([ended.state, ended.counts.proven], ['succeeded', HEALTHY]);
  assert.equal(server.process.exitCode, null);
  const last = await report();
  for (const agent of healthy) agent.drop();
  for (const fuzzer of fuzzers) fuzzer.end();
  return last;
}

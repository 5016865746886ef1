import {
  type AgentToServer,
  type ConfigFile,
  decodeAgentToServer,
  decodeServerToAgent,
  encodeRemoteConfig,
  encodeReply,
  parseUid,
  RemoteConfigStatuses,
  type Reply,
  ServerToAgentFlags,
} from '@flaghoist/opamp';
import { SimulatedAgent } from '../src/agent.ts';
import { Composer } from '../src/composer.ts';
import { type Link, newLife, type Payload } from '../src/life.ts';
import type { LinkEvent } from '../src/link.ts';
import { plan } from '../src/plan.ts';
import { scenario } from '../src/scenario.ts';

const NOW = Date.UTC(2026, 5, 1);

/** One agent on a virtual clock, with a server that does nothing but what a test says. */
export class VirtualAgent implements Link {
  readonly agent: SimulatedAgent;
  readonly transport: 'websocket' | 'http';
  /** Milliseconds since the agent was made. */
  now = 0;
  /** Whether connections and requests come about. */
  reachable = true;
  /** What a refusal asks for. */
  retryAfterMs: number | undefined;
  /** Milliseconds from a POST to its answer. */
  roundTrip = 1;
  /** Everything it sent: the time and the message. */
  readonly sent: { readonly at: number; readonly message: AgentToServer }[] = [];
  /** Everything it asked of its link. */
  readonly asked: { readonly at: number; readonly what: keyof Link }[] = [];
  private readonly happened: LinkEvent[] = [];
  private replies: Uint8Array[] = [];
  private answerAt = Number.POSITIVE_INFINITY;

  constructor(group: Record<string, unknown> = {}, settings: Record<string, unknown> = {}) {
    const made = scenario({ restartTime: '1s', ...settings, groups: [{ name: 'edge', count: 1, ...group }] });
    const [only] = plan(made);
    if (only === undefined) throw new Error('no agent');
    const composer = new Composer(only.group);
    this.transport = only.transport;
    this.agent = new SimulatedAgent(newLife(only, made, composer, this), NOW);
  }

  /** Let time pass. */
  run(ms: number): this {
    const end = this.now + ms;
    for (;;) {
      const next = Math.min(this.agent.deadline - NOW, this.answerAt);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      if (this.answerAt <= this.now) this.answer();
      else this.turn();
    }
    this.now = end;
    return this;
  }

  /** A message from the server: now over WebSocket, with the next answer over HTTP. */
  say(parts: ReplyParts): this {
    return this.sayBytes(encoded(parts));
  }

  sayBytes(bytes: Uint8Array): this {
    if (this.transport === 'http') this.replies.push(bytes);
    else this.turn((agent) => agent.received(decodeServerToAgent(bytes)));
    return this;
  }

  offer(hash: string, ...files: readonly (string | ConfigFile)[]): this {
    const all = files.map((file) => (typeof file === 'string' ? { name: '', body: Buffer.from(file) } : file));
    return this.say({ remoteConfig: encodeRemoteConfig({ files: all, hash: Buffer.from(hash) }) });
  }

  turn(event?: LinkEvent): this {
    this.agent.turn(NOW + this.now, event);
    for (let next = this.happened.shift(); next !== undefined; next = this.happened.shift())
      this.agent.turn(NOW + this.now, next);
    return this;
  }

  /** What it sent since the last call, in short: `APPLYING+effective`. */
  said(): string[] {
    return this.sent.splice(0).map(({ message }) => short(message));
  }

  connect(): void {
    this.note('connect');
    const { reachable, retryAfterMs } = this;
    this.happened.push((agent) => (reachable ? agent.opened() : agent.client.lost(retryAfterMs)));
  }

  send(payload: Payload): void {
    this.note('send', payload);
  }

  post(payload: Payload): void {
    if (this.answerAt < Number.POSITIVE_INFINITY) throw new Error('a second request is under way');
    this.note('post', payload);
    this.answerAt = this.now + this.roundTrip;
  }

  close(): void {
    this.note('close');
  }

  drop(): void {
    this.note('drop');
    this.answerAt = Number.POSITIVE_INFINITY;
    this.happened.length = 0;
  }

  stopReading(): void {
    this.note('stopReading');
  }

  private note(what: keyof Link, payload?: Payload): void {
    this.asked.push({ at: this.now, what });
    if (payload !== undefined) this.sent.push({ at: this.now, message: decodeAgentToServer(Buffer.concat(payload)) });
  }

  private answer(): void {
    this.answerAt = Number.POSITIVE_INFINITY;
    const message = decodeServerToAgent(this.replies.shift() ?? new Uint8Array());
    this.turn((agent) => (this.reachable ? agent.answered(message) : agent.client.lost()));
  }
}

const UID = parseUid('0'.repeat(32));

type ReplyParts = Partial<Omit<Reply, 'uid'>>;

/** A message of a server with these parts. */
export const encoded = (parts: ReplyParts, uid = UID): Buffer => Buffer.concat(encodeReply({ uid, ...parts } as Reply));

export const fullState = { flags: ServerToAgentFlags.ServerToAgentFlags_ReportFullState };
export const allComponents = { flags: ServerToAgentFlags.ServerToAgentFlags_ReportAvailableComponents };
export const restartCommand = { command: 'restart' } as const;
export const newUid = (hex: string) => ({ newUid: parseUid(hex) });

/** The effective configuration in a message, if there is one. */
export function effectiveText(message: AgentToServer | undefined): string {
  return Buffer.from(message?.effectiveConfig?.configMap?.configMap['']?.body ?? []).toString();
}

export const hashOf = (text: string) => Buffer.from(text).toString('hex');

function short({ agentDescription, ...message }: AgentToServer): string {
  const { health, remoteConfigStatus: status, availableComponents } = message;
  const tree = Object.keys(health?.componentHealthMap ?? {}).length > 0 ? ' tree' : '';
  const error = health?.lastError === '' ? '' : ` ${health?.lastError}`;
  const parts = [
    agentDescription && 'description',
    status && RemoteConfigStatuses[status.status].replace('RemoteConfigStatuses_', ''),
    message.effectiveConfig && 'effective',
    health && `${health.healthy ? 'healthy' : 'unhealthy'}${tree}${error}`,
    availableComponents && (Object.keys(availableComponents.components).length > 0 ? 'components' : 'hash'),
    message.agentDisconnect && 'goodbye',
  ];
  const said = parts.filter((part) => part !== undefined).join('+');
  return said === '' ? 'heartbeat' : said.replace(/PID=\d+/, 'PID=N');
}

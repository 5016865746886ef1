import {
  type AgentToServer,
  type ConfigFile,
  decodeAgentToServer,
  decodeServerToAgent,
  encodeRemoteConfig,
  RemoteConfigStatuses,
  type ServerToAgent,
} from '@flaghoist/opamp';
import { SimulatedAgent } from '../src/agent.ts';
import { build } from '../src/build.ts';
import { Composer } from '../src/composer.ts';
import type { Effect } from '../src/effect.ts';
import { plan } from '../src/plan.ts';
import type { FleetEvent } from '../src/record.ts';
import { sharedAttributes } from '../src/report.ts';
import { type Scenario, type ScenarioInput, scenario } from '../src/scenario.ts';
import * as wire from '../src/wire.ts';

type GroupInput = NonNullable<ScenarioInput['groups']>[number];

const NOW = Date.UTC(2026, 5, 1);

/** One agent on a virtual clock, with a server that does nothing but what a test says. */
export class VirtualAgent {
  readonly agent: SimulatedAgent;
  readonly events: FleetEvent[] = [];
  /** Milliseconds since the agent was made. */
  now = 0;
  /** Whether connections and requests come about. */
  reachable = true;
  /** Milliseconds from a POST to its answer. */
  roundTrip = 1;
  /** Everything it sent: the time and the message. */
  readonly sent: { readonly at: number; readonly message: AgentToServer }[] = [];
  /** Everything it asked of its socket. */
  readonly effects: { readonly at: number; readonly do: Effect['do'] }[] = [];
  private replies: ServerToAgent[] = [];
  private answerAt = Number.POSITIVE_INFINITY;

  constructor(group: Record<string, unknown> = {}, settings: Record<string, unknown> = {}) {
    const file = {
      restartTime: '1s',
      ...settings,
      groups: [{ name: 'edge', count: 1, ...group } as GroupInput],
    };
    const made: Scenario = scenario(file);
    const [only] = plan(made);
    if (only === undefined) throw new Error('no agent');
    const { labels: _, ...about } = only.group;
    const site = {
      build: build(about.version),
      attributes: sharedAttributes(only.group),
      local: about.config,
      effectiveBytes: about.effectiveConfigSize,
    };
    const composer = new Composer(site);
    const observe = (event: FleetEvent) => this.events.push(event);
    this.agent = new SimulatedAgent({ plan: only, scenario: made, composer, startAt: NOW, observe });
  }

  /** Let time pass. */
  run(ms: number): this {
    const end = this.now + ms;
    for (;;) {
      const next = Math.min(this.agent.deadline - NOW, this.answerAt);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      if (this.answerAt <= this.now) this.answer();
      else this.step({ on: 'time' });
    }
    this.now = end;
    return this;
  }

  /** A message from the server: now over WebSocket, with the next answer over HTTP. */
  say(...fields: readonly Uint8Array[]): this {
    const message = decodeServerToAgent(Buffer.concat(fields));
    if (this.agent.plan.transport === 'http') this.replies.push(message);
    else this.step({ on: 'received', message });
    return this;
  }

  offer(hash: string, ...files: readonly (string | ConfigFile)[]): this {
    const all = files.map((file) => (typeof file === 'string' ? { name: '', body: Buffer.from(file) } : file));
    return this.say(encodeRemoteConfig({ files: all, hash: Buffer.from(hash) }).bytes);
  }

  step(event: Parameters<SimulatedAgent['step']>[0]): this {
    for (const effect of this.agent.step(event, NOW + this.now)) this.perform(effect);
    return this;
  }

  /** What it sent since the last call, in short: `APPLYING+effective`. */
  said(): string[] {
    return this.sent.splice(0).map(({ message }) => short(message));
  }

  private perform(effect: Effect): void {
    this.effects.push({ at: this.now, do: effect.do });
    if (effect.do === 'connect') this.step(this.reachable ? { on: 'opened' } : { on: 'refused' });
    if (effect.do === 'send' || effect.do === 'post') {
      this.sent.push({ at: this.now, message: decodeAgentToServer(Buffer.concat(effect.payload)) });
    }
    if (effect.do === 'post') {
      if (this.answerAt < Number.POSITIVE_INFINITY) throw new Error('a second request is under way');
      this.answerAt = this.now + this.roundTrip;
    }
    if (effect.do === 'drop') this.answerAt = Number.POSITIVE_INFINITY;
  }

  private answer(): void {
    this.answerAt = Number.POSITIVE_INFINITY;
    const message = this.replies.shift() ?? decodeServerToAgent(wire.nothing);
    this.step(this.reachable ? { on: 'answered', message } : { on: 'refused' });
  }
}

/** Fields of ServerToAgent. */
export const fullState = wire.number(6, 1);
export const allComponents = wire.number(6, 2);
export const restartCommand = wire.bytes(9);
export const newUid = (hex: string) => wire.bytes(8, wire.bytes(1, Buffer.from(hex, 'hex')));

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

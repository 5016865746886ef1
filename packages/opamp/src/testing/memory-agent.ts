import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { AgentRemoteConfig, AgentToServer, ServerToAgent } from '../generated/opamp/v1/opamp_pb.js';
import {
  AgentToServerSchema,
  AgentCapabilities as Bits,
  ServerToAgentFlags,
  RemoteConfigStatuses as Status,
} from '../generated/opamp/v1/opamp_pb.js';
import { type InstanceUid, uidFromBytes, uidToBytes } from '../instance-uid.ts';

/** Parts of a message; those of an agent's state are replaced by a report that holds them. */
export type AgentState = Omit<MessageInitShape<typeof AgentToServerSchema>, '$typeName'>;

/** How an agent takes an offered configuration: the reports it sends, in order, each changing its state. */
export type Outcome = (config: AgentRemoteConfig) => readonly AgentState[];

/** What a `MemoryAgent` is made of; all but the uid has a default like a Supervisor's. */
export type MemoryAgentOptions = Pick<MemoryAgent, 'uid'> &
  Partial<Pick<MemoryAgent, 'capabilities' | 'state' | 'outcome'>>;

const defaultCapabilities =
  Bits.AgentCapabilities_ReportsStatus |
  Bits.AgentCapabilities_AcceptsRemoteConfig |
  Bits.AgentCapabilities_ReportsEffectiveConfig |
  Bits.AgentCapabilities_AcceptsRestartCommand |
  Bits.AgentCapabilities_ReportsHealth |
  Bits.AgentCapabilities_ReportsRemoteConfig |
  Bits.AgentCapabilities_ReportsHeartbeat |
  Bits.AgentCapabilities_ReportsAvailableComponents;

const serviceName = { value: { case: 'stringValue' as const, value: 'otelcol' } };
const defaultState: AgentState = {
  agentDescription: { identifyingAttributes: [{ key: 'service.name', value: serviceName }] },
  health: { healthy: true },
  effectiveConfig: {},
  remoteConfigStatus: {},
  availableComponents: { hash: Uint8Array.of(1, 2, 3), components: { receivers: { subComponentMap: { otlp: {} } } } },
};

/** Reports APPLYING, then APPLIED with the configuration as the effective one. */
export const applied: Outcome = ({ configHash: lastRemoteConfigHash, config: configMap }) => [
  { remoteConfigStatus: { lastRemoteConfigHash, status: Status.RemoteConfigStatuses_APPLYING } },
  {
    remoteConfigStatus: { lastRemoteConfigHash, status: Status.RemoteConfigStatuses_APPLIED },
    effectiveConfig: configMap ? { configMap } : {},
  },
];

/** Reports FAILED with this text, and keeps running what it ran. */
export function failed(errorMessage: string): Outcome {
  const status = Status.RemoteConfigStatuses_FAILED;
  return ({ configHash }) => [{ remoteConfigStatus: { lastRemoteConfigHash: configHash, status, errorMessage } }];
}

/** Takes the configuration without ever answering (S-058, S-126). */
export const silent: Outcome = () => [];

/**
 * An agent without sockets: every method returns the messages that an agent would send, to be handed to a session or
 * any handler; `receive` takes the answer. Behaves like opamp-go v0.23: number 0 first, one more per message, only
 * uid, number and capabilities after a reconnect.
 */
export class MemoryAgent {
  /** Who it says it is; the server may give it another one. */
  uid: InstanceUid;
  /** Bits of AgentCapabilities. */
  capabilities: number;
  /** What a full state holds; the defaults are replaced part by part. */
  state: AgentState;
  /** How it takes an offer: `applied`, `failed(...)`, `silent` or your own. */
  outcome: Outcome;
  /** The number of the next message. */
  sequence = 0n;
  /** Every configuration received, in order. */
  readonly offers: AgentRemoteConfig[] = [];

  constructor({ uid, capabilities = defaultCapabilities, state, outcome = applied }: MemoryAgentOptions) {
    this.uid = uid;
    this.capabilities = capabilities;
    this.state = { ...defaultState, ...state };
    this.outcome = outcome;
  }

  /** The next message, with this content and nothing else. Also a heartbeat, and the first one after a reconnect. */
  report(content: AgentState = {}): AgentToServer {
    const instanceUid = uidToBytes(this.uid);
    const sequenceNum = this.sequence++;
    const capabilities = BigInt(this.capabilities);
    return create(AgentToServerSchema, { instanceUid, sequenceNum, capabilities, ...content });
  }

  /** The first message of a new process: the full state as number 0, the components by their hash only (S-240). */
  start(): AgentToServer {
    this.sequence = 0n;
    const hash = this.state.availableComponents?.hash ?? new Uint8Array();
    return this.report({ ...this.state, availableComponents: { hash } });
  }

  /** Everything, as an answer to ReportFullState. */
  fullState(): AgentToServer {
    return this.report(this.state);
  }

  /** Change a part of the state and report it. */
  change(state: AgentState): AgentToServer {
    this.state = { ...this.state, ...state };
    return this.report(state);
  }

  /** Its last message before it leaves (S-255). */
  goodbye(): AgentToServer {
    return this.report({ agentDisconnect: {} });
  }

  /** What the agent sends because of this message from the server. */
  receive(message: ServerToAgent): AgentToServer[] {
    if (message.errorResponse) return [];
    if (message.command && this.can(Bits.AgentCapabilities_AcceptsRestartCommand)) return [this.start()];
    if (message.agentIdentification) this.uid = uidFromBytes(message.agentIdentification.newInstanceUid);
    const sent: AgentToServer[] = [];
    const flags = Number(message.flags);
    if (flags & ServerToAgentFlags.ServerToAgentFlags_ReportFullState) sent.push(this.fullState());
    else if (flags & ServerToAgentFlags.ServerToAgentFlags_ReportAvailableComponents) {
      sent.push(this.report({ availableComponents: this.state.availableComponents }));
    }
    if (message.remoteConfig && this.can(Bits.AgentCapabilities_AcceptsRemoteConfig)) {
      this.offers.push(message.remoteConfig);
      for (const change of this.outcome(message.remoteConfig)) sent.push(this.change(change));
    }
    return sent;
  }

  private can(bit: Bits): boolean {
    return (this.capabilities & bit) !== 0;
  }
}

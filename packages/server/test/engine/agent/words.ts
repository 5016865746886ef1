/** What an agent has to tell: what is new since its last message gathers until the next one takes it along. */
import {
  AgentCapabilities as Bits,
  encodeAgentToServer,
  type InstanceUid,
  RemoteConfigStatuses as Status,
  uidToBytes,
} from '@flaghoist/opamp';

export interface SaidStatus {
  readonly hash: string;
  readonly status: 'UNSET' | 'APPLYING' | 'APPLIED' | 'FAILED';
  readonly error: string;
}

export const NO_STATUS: SaidStatus = { hash: '', status: 'UNSET', error: '' };

const STATUS = {
  UNSET: Status.RemoteConfigStatuses_UNSET,
  APPLYING: Status.RemoteConfigStatuses_APPLYING,
  APPLIED: Status.RemoteConfigStatuses_APPLIED,
  FAILED: Status.RemoteConfigStatuses_FAILED,
};

export const CAPABILITIES =
  Bits.AgentCapabilities_ReportsStatus |
  Bits.AgentCapabilities_AcceptsRemoteConfig |
  Bits.AgentCapabilities_ReportsEffectiveConfig |
  Bits.AgentCapabilities_AcceptsRestartCommand |
  Bits.AgentCapabilities_ReportsHealth |
  Bits.AgentCapabilities_ReportsRemoteConfig |
  Bits.AgentCapabilities_ReportsHeartbeat;

/** All that an agent can tell of itself. */
export interface State {
  readonly uid: InstanceUid;
  readonly role: string;
  readonly capabilities: number;
  readonly healthy: boolean;
  /** Text of the configuration that its collector runs with. */
  readonly effective: string;
  readonly status: SaidStatus;
}

type Part = 'full' | 'status' | 'health' | 'effective' | 'description';

export class Words {
  /** Number of the next message. */
  #sequence = 0;
  readonly #news = new Set<Part>(['full']);

  get hasNews(): boolean {
    return this.#news.size > 0;
  }

  /** That is new. */
  add(part: Part): void {
    this.#news.add(part);
  }

  /** The next message: what is new, or nothing but that it is there. */
  next({ uid, role, capabilities, healthy, effective, status }: State): Uint8Array {
    const tells = (part: Part): boolean => this.#news.has('full') || this.#news.has(part);
    const reportsStatus = (capabilities & Bits.AgentCapabilities_ReportsRemoteConfig) !== 0;
    const says = {
      instanceUid: uidToBytes(uid),
      sequenceNum: BigInt(this.#sequence),
      capabilities: BigInt(capabilities),
      ...(tells('description') && { agentDescription: descriptionOf(role) }),
      ...(tells('status') && reportsStatus && { remoteConfigStatus: statusOf(status) }),
      ...(tells('health') && { health: { healthy } }),
      ...(tells('effective') && { effectiveConfig: configOf(effective) }),
    };
    this.#sequence += 1;
    this.#news.clear();
    return encodeAgentToServer(says);
  }
}

const statusOf = ({ hash, status, error }: SaidStatus) => ({
  lastRemoteConfigHash: Buffer.from(hash, 'hex'),
  status: STATUS[status],
  errorMessage: error,
});

function descriptionOf(role: string) {
  const text = (value: string) => ({ value: { case: 'stringValue' as const, value } });
  return {
    identifyingAttributes: [{ key: 'service.name', value: text('otelcol') }],
    nonIdentifyingAttributes: [{ key: 'role', value: text(role) }],
  };
}

const configOf = (text: string) => ({
  configMap: { configMap: { '': { body: Buffer.from(text), contentType: 'text/yaml' } } },
});

import { formatUid } from '@flaghoist/opamp';
import type { ConfigStatus } from './content.ts';
import { limits } from './limits.ts';
import type { AgentPlan } from './plan.ts';

/** A remote configuration that was offered to an agent. */
interface OfferRecord {
  /** Lowercase hex; empty when the server sent no hash. */
  readonly hash: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A remote config status that an agent sent. */
type StatusRecord = OfferRecord & ConfigStatus;

/** The record of an agent that has not started yet. */
export function newRecord({ behaviour, uid }: AgentPlan) {
  return {
    behaviour: behaviour.kind,
    /** Hyphenated, as it is now: a server can give another one. */
    uid: formatUid(uid),
    connected: false,
    /** Connections opened; over HTTP 1 from the first answer on. */
    connections: 0,
    /** Times the server asked for the full state. */
    fullStateRequests: 0,
    /** The newest 200. */
    offers: [] as readonly OfferRecord[],
    /** By hash: how often it was offered. */
    timesOffered: {} as Readonly<Record<string, number>>,
    /** The newest 200. */
    statuses: [] as readonly StatusRecord[],
    /** Hash of the remote configuration that its collector really runs; undefined for the local one. */
    running: undefined as string | undefined,
    healthy: false,
    /** Collector processes started after the first one, whatever for. */
    collectorRestarts: 0,
    /** Collector processes that exited by themselves. */
    crashes: 0,
    restartCommands: 0,
  };
}

export type WritableRecord = ReturnType<typeof newRecord>;

/** What an agent saw and said: the judge of a server. */
export type AgentRecord = Readonly<WritableRecord>;

export function recordConnected(record: WritableRecord, connected: boolean): void {
  if (connected && !record.connected) record.connections += 1;
  record.connected = connected;
}

export function recordOffer(record: WritableRecord, offer: OfferRecord): void {
  const times = (record.timesOffered[offer.hash] ?? 0) + 1;
  record.timesOffered = { ...record.timesOffered, [offer.hash]: times };
  record.offers = [...record.offers.slice(1 - limits.history), offer];
}

/** The same status again, as in a full state, is none. */
export function recordStatus(record: WritableRecord, status: StatusRecord): void {
  const last = record.statuses.at(-1);
  if (last?.hash === status.hash && last.status === status.status && last.error === status.error) return;
  record.statuses = [...record.statuses.slice(1 - limits.history), status];
}

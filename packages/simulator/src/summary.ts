import type { AgentRecord, StatusRecord } from './record.ts';

/** A fleet in figures. */
export interface FleetSummary {
  readonly agents: number;
  readonly connected: number;
  readonly healthy: number;
  /** By hash: agents whose newest status names it, by that status. */
  readonly statuses: Readonly<Record<string, Readonly<Partial<Record<StatusRecord['status'], number>>>>>;
  /** By hash: agents whose collector really runs it. */
  readonly running: Readonly<Record<string, number>>;
  readonly offers: number;
  /** Offers of a hash that the same agent had been offered before. */
  readonly repeatedOffers: number;
  readonly collectorRestarts: number;
  readonly crashes: number;
  readonly messagesSent: number;
  readonly messagesReceived: number;
}

export function summarize(records: readonly AgentRecord[]): FleetSummary {
  const statuses: Record<string, Partial<Record<StatusRecord['status'], number>>> = {};
  const running: Record<string, number> = {};
  for (const record of records) {
    const last = record.statuses.at(-1);
    if (last !== undefined && last.status !== 'UNSET') {
      const counts = statuses[last.hash] ?? {};
      statuses[last.hash] = { ...counts, [last.status]: (counts[last.status] ?? 0) + 1 };
    }
    if (record.running !== undefined) running[record.running] = (running[record.running] ?? 0) + 1;
  }
  const sum = (value: (record: AgentRecord) => number) => records.reduce((total, record) => total + value(record), 0);
  const times = (record: AgentRecord) => Object.values(record.timesOffered);
  return {
    agents: records.length,
    connected: sum(({ connected }) => Number(connected)),
    healthy: sum(({ healthy }) => Number(healthy)),
    statuses,
    running,
    offers: sum((record) => times(record).reduce((total, count) => total + count, 0)),
    repeatedOffers: sum((record) => times(record).reduce((total, count) => total + count - 1, 0)),
    collectorRestarts: sum(({ collectorRestarts }) => collectorRestarts),
    crashes: sum(({ crashes }) => crashes),
    messagesSent: sum(({ messagesSent }) => messagesSent),
    messagesReceived: sum(({ messagesReceived }) => messagesReceived),
  };
}

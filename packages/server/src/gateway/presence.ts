import type { Presence } from '@flaghoist/fleet';
import type { Session } from '@flaghoist/opamp';

/** Where an agent is, as its session tells. */
export function presenceOf(before: Presence, session: Session, hasFullState: boolean, now: number): Presence {
  const connected = session.link !== undefined;
  return {
    connected,
    transport: session.link?.transport ?? before.transport,
    epoch: session.epoch ?? null,
    synced: session.knowledge === 'synced',
    fullStateEpoch: session.fullStateEpoch ?? null,
    fullStateAt: hasFullState ? now : before.fullStateAt,
    lastSeen: connected ? now : before.lastSeen,
    disconnectedAt: connected ? null : (before.disconnectedAt ?? now),
  };
}

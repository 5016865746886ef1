import type { Presence } from '@flaghoist/fleet';
import type { Session } from '@flaghoist/opamp';

/** What just happened, as far as it says where an agent is. */
interface Happened {
  readonly heard: boolean;
  readonly hasFullState: boolean;
}

/** Where an agent is, as its session tells. */
export function presenceOf(before: Presence, session: Session, happened: Happened, now: number): Presence {
  const { link, knowledge, epoch = null, fullStateEpoch = null } = session;
  const connected = link !== undefined;
  return {
    connected,
    transport: link?.transport ?? before.transport,
    epoch,
    synced: knowledge === 'synced',
    fullStateEpoch,
    fullStateAt: happened.hasFullState ? now : before.fullStateAt,
    lastSeen: happened.heard ? now : before.lastSeen,
    disconnectedAt: connected ? null : (before.disconnectedAt ?? now),
  };
}

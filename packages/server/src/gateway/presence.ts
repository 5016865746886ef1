import type { Presence } from '@flaghoist/fleet';
import type { Fact, Session } from '@flaghoist/opamp';

/** Where an agent is, as its session tells; `isNews` when something could follow from it, which a heartbeat never is. */
export function presenceOf(
  before: Presence,
  session: Session,
  facts: readonly Fact[],
  now: number,
): { readonly presence: Presence; readonly isNews: boolean } {
  const connected = session.link !== undefined;
  const full = facts.some((fact) => fact.kind === 'full-state');
  const presence: Presence = {
    connected,
    transport: session.link?.transport ?? before.transport,
    epoch: session.epoch ?? null,
    synced: session.knowledge === 'synced',
    fullStateEpoch: session.fullStateEpoch ?? null,
    fullStateAt: full ? now : before.fullStateAt,
    lastSeen: connected ? now : before.lastSeen,
    disconnectedAt: connected ? null : (before.disconnectedAt ?? now),
  };
  const isNews =
    full ||
    before.connected !== presence.connected ||
    before.epoch !== presence.epoch ||
    before.synced !== presence.synced ||
    before.transport !== presence.transport;
  return { presence, isNews };
}

/** What an agent that is on its way still waits for, in a sentence. */
import { type Agent, can, type Presence } from '../agents/agent.ts';
import { isOpen, type LedgerEntry } from '../convergence/ledger.ts';
import { formatDuration, type Instant, type Millis } from '../time.ts';

const roughly = (millis: Millis): string => formatDuration(Math.max(0, Math.round(millis / 1_000) * 1_000));

/** `held` names the groups of the same push that hold all places. */
export function waitsFor(agent: Agent, presence: Presence, now: Instant, held: readonly string[] = []): string {
  const { ledger } = agent;
  const isSaid = ledger?.phase === 'verifying' && agent.report.health?.healthy !== false;
  const due = ledger?.deadline == null || isSaid ? '' : `; a verdict is due in ${roughly(ledger.deadline - now)}`;
  const what = isOpen(ledger) && ledger !== null ? `${stepOf(agent, ledger, now)}${due}` : turnOf(held);
  if (presence.connected) return presence.synced ? what : `${what}; its full state is awaited`;
  const since = presence.disconnectedAt === null ? '' : ` for ${roughly(now - presence.disconnectedAt)}`;
  return `not connected${since}; ${what}`;
}

function turnOf(held: readonly string[]): string {
  if (held.length === 0) return 'has not had its turn';
  const [groups, hold] = held.length === 1 ? ['group', 'holds'] : ['groups', 'hold'];
  return `waits for places: ${groups} ${held.join(', ')} of the same push ${hold} them`;
}

function stepOf({ identity, report }: Agent, entry: LedgerEntry, now: Instant): string {
  switch (entry.phase) {
    case 'offered':
      return 'waits to be sent';
    case 'sent':
      return 'sent, no answer yet';
    case 'received':
      return 'has it, no verdict yet';
    case 'applying':
      return 'says APPLYING';
    default:
      break;
  }
  if (report.health?.healthy === false)
    return `APPLIED, but unhealthy: ${report.health.lastError || report.health.status}`;
  if (can(identity, 'ReportsHealth') && entry.healthySince === null) return 'APPLIED, no health reported yet';
  const { minHealthyTime, requireEffective } = entry.terms;
  const left = entry.healthySince === null ? 0 : entry.healthySince + minHealthyTime - now;
  if (left > 0) return `APPLIED and healthy, watched for another ${roughly(left)}`;
  const isMissing = entry.effective === null && can(identity, 'ReportsEffectiveConfig') && requireEffective !== 'never';
  return isMissing ? 'APPLIED, no effective config seen yet' : 'APPLIED, the last signs of proof are awaited';
}

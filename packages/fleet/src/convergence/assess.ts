/**
 * Moves a ledger entry by what is known now. Level-triggered: it looks at the facts, not at the message that brought
 * them, so that a lost, doubled or reordered message changes nothing. SPEC.md lists the rules and invariants; the
 * order of the rules of a phase is their priority.
 */
import { type Agent, can, type Presence } from '../agents/agent.ts';
import type { Instant, Millis } from '../time.ts';
import { type LedgerEntry, meaningOf } from './ledger.ts';
import { type Facts, healthy, RULES } from './rules.ts';

/** A connection that comes back within this has not interrupted a proof (S4, reconnect grace). */
export const RECONNECT_GRACE: Millis = 15_000;

/** An absence too short to break a proof. After a restart of ours nobody knows how long it was: that is a break. */
const isShortlyAway = ({ presence, now }: Facts): boolean =>
  presence.disconnectedAt !== null && now - presence.disconnectedAt <= RECONNECT_GRACE;

/** Keeps `healthySince` true: set when health agrees, cleared by ill health or a lost connection (S4). */
function withContinuity(facts: Facts): LedgerEntry {
  const { entry, presence, now } = facts;
  if (!isJudged(entry)) return entry;
  const isThere = presence.connected || (entry.healthySince !== null && isShortlyAway(facts));
  const well = healthy(facts) && (isThere || entry.phase === 'proven');
  if (well === (entry.healthySince !== null)) return entry;
  const isRelapse = !well && entry.phase === 'proven';
  const spells = { unhealthySince: isRelapse ? now : null, relapses: entry.relapses + (isRelapse ? 1 : 0) };
  return { ...entry, healthySince: well ? now : null, ...spells };
}

/** Health counts while proof is sought or held, and where it may still come late. */
const isJudged = ({ phase, failure }: LedgerEntry): boolean =>
  phase === 'verifying' || phase === 'proven' || meaningOf(failure) === 'shortfall';

/**
 * The entry as it is now. Returns the same object when nothing changed. Several rules may fire in a row (APPLIED and
 * proven in one message); each phase moves forward at most once, so this ends.
 */
export function assess(agent: Agent, presence: Presence, now: Instant): LedgerEntry | null {
  let entry = agent.ledger;
  for (let moves = 0; entry !== null && moves < MOST_MOVES; moves += 1) {
    const current = withContinuity({ entry, agent, presence, now });
    const change = changeOf({ entry: current, agent, presence, now });
    if (change === undefined) return current;
    entry = { ...current, ...change };
  }
  return entry;
}

const MOST_MOVES = 4;

function changeOf(facts: Facts): Partial<LedgerEntry> | undefined {
  for (const rule of Object.values(RULES[facts.entry.phase])) {
    const change = rule(facts);
    if (change !== undefined) return change;
  }
  return undefined;
}

/** How long the news that a proof needs may take before a full state is asked for (S3). */
const NEWS_EXPECTED: Millis = 3_000;

/** True when a proof waits for something that the agent has not said since the send and may never say unasked. */
export function lacksNews(agent: Agent, presence: Presence, now: Instant): boolean {
  const { ledger: entry, report } = agent;
  if (entry === null || entry.sentAt === null || !presence.connected) return false;
  if (lacksSignOfLife(entry, presence, now)) return true;
  // Without a status, only an effective config that is newer than the send shows that it was taken.
  const shownOnAsking = entry.source.kind === 'retry' || !can(agent.identity, 'ReportsRemoteConfig');
  const afterSend = shownOnAsking && entry.phase === 'sent' ? entry.sentAt + 1 : null;
  const since = entry.phase === 'verifying' ? entry.appliedAt : afterSend;
  if (since === null || now - since < NEWS_EXPECTED || (presence.fullStateAt ?? 0) >= since) return false;
  const healthMissing = can(agent.identity, 'ReportsHealth') && (report.health?.at ?? 0) < entry.sentAt;
  const effectiveMissing =
    can(agent.identity, 'ReportsEffectiveConfig') &&
    (entry.effective === null || entry.effective.kind === 'contradicted');
  return healthMissing || effectiveMissing || entry.phase === 'sent';
}

/** Healthy for as long as is asked, and not a word in that time: a Supervisor speaks every 30 s only (S4). */
function lacksSignOfLife({ phase, healthySince, terms }: LedgerEntry, { lastSeen }: Presence, now: Instant): boolean {
  if (phase !== 'verifying' || healthySince === null || terms.minHealthyTime === 0) return false;
  return now - healthySince >= terms.minHealthyTime && (lastSeen ?? 0) <= healthySince;
}

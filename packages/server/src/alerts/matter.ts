/** What an alert is of, while it is looked at. */
import * as fleet from '@flaghoist/fleet';

/** A matter that an alert is of, told or about to be. */
export interface Open extends fleet.AlertSubject {
  /** The agents concerned; nobody where it is about a rollout. */
  readonly tally: fleet.Tally;
  /** What is wrong with the rollout or the lane; null for matters of agents, and when it is over. */
  complaint: fleet.Complaint | null;
  told: fleet.Alert | null;
  goneSince: fleet.Instant | null;
}

export const newMatter = ({ kind, rollout, group }: fleet.AlertSubject, told: fleet.Alert | null = null): Open => ({
  kind,
  rollout,
  group,
  tally: new fleet.Tally(told ?? undefined),
  complaint: null,
  told,
  goneSince: null,
});

/** How a matter stands; one of a rollout has its reason as the only cause, and what it was last when it is over. */
export function factsOf({ complaint, told, tally }: Open): fleet.AlertFacts {
  const facts = tally.facts();
  if (facts.count > 0) return facts;
  if (complaint === null) return told ?? facts;
  const { revision, reason, message } = complaint;
  return { revision, count: 0, remaining: 0, causes: [{ reason, message, count: 0, examples: [] }] };
}

export function lostFrom({ identity, ledger }: fleet.Agent): fleet.Complaint {
  const group = identity.group?.name ?? null;
  const message = 'the connection ended without a goodbye, and the agent has not come back';
  return {
    kind: 'agents-lost',
    rollout: null,
    group,
    revision: ledger?.revision ?? null,
    reason: 'disconnected',
    message,
  };
}

/** An agent of a transcript: what the server knows of it, and how it answers what it is sent. Virtual time, nothing random. */
import type { Agent, Presence, RemoteConfigState } from '../../src/agents/agent.ts';
import type { RevisionRef } from '../../src/configurations/revision.ts';
import type { EffectiveVerdict, LedgerEntry } from '../../src/convergence/ledger.ts';
import type { Instant } from '../../src/time.ts';
import { agent, health, presence, reported } from '../samples.ts';

/** What an agent does with what it is sent: apply it in 5 s, nothing until it is told, or say no with these words. */
export type Manner = 'applies' | 'waits' | { readonly refuses: string } | { readonly illWith: string } | 'vanishes';

const APPLIES_IN = 5_000;
const REFUSES_IN = 1_000;

/** Its effective config is the hash of what it runs. */
const shows = (revision: RevisionRef | null, at: Instant) => ({ files: [], digest: revision?.hash ?? '', at });

export const verdictOn = ({ ledger, report: { effective } }: Agent): EffectiveVerdict | undefined => {
  if (ledger === null || !effective) return undefined;
  if (effective.digest === ledger.revision.hash) return { kind: 'confirmed', why: '' };
  return { kind: 'contradicted', why: 'it runs something else' };
};

export class Host {
  readonly id: string;
  agent: Agent;
  presence: Presence;
  /** The entry of which the rollouts heard last. */
  heard: LedgerEntry | null = null;
  manner: Manner = 'applies';
  /** What it was sent and has not answered. */
  inbox: RevisionRef | null = null;
  #next: { readonly at: Instant; readonly act: (now: Instant) => void }[] = [];
  #sessions = 1;

  /** It has run `last` for long, proven; null when it runs its own files. */
  constructor(id: string, group: string, last: RevisionRef | null, since: Instant) {
    this.id = id;
    const known = agent(id, { group: { name: group, since } });
    this.agent = {
      ...known,
      report: {
        health: health(true, since),
        reported: reported(last, last ? 'APPLIED' : 'UNSET', since),
        effective: shows(last, since),
      },
      assignment: { ...known.assignment, proven: last === null ? [] : [last] },
    };
    this.presence = presence({ epoch: `${id}/1`, fullStateAt: since, lastSeen: since });
  }

  get isThere(): boolean {
    return this.presence.connected;
  }

  receive(revision: RevisionRef, now: Instant): void {
    // What it ran well before it takes again.
    const isKnown = this.agent.assignment.proven.some(({ hash }) => hash === revision.hash);
    const manner = isKnown && this.manner !== 'waits' ? 'applies' : this.manner;
    this.#next = [];
    this.inbox = revision;
    if (manner === 'vanishes') this.#after(now, REFUSES_IN, (at) => this.leave(at));
    else if (manner !== 'waits') this.answer(manner, now);
  }

  /** What it does now with what it was sent. */
  answer(manner: Exclude<Manner, 'waits' | 'vanishes'>, now: Instant): void {
    const revision = this.inbox;
    if (revision === null) return;
    if (typeof manner === 'object' && 'refuses' in manner) {
      this.#after(now, REFUSES_IN, (at) => this.refuse(revision, manner.refuses, at));
      return;
    }
    this.#say(revision, 'APPLYING', now);
    this.#after(now, APPLIES_IN, (at) => {
      this.feel(manner === 'applies' ? null : manner.illWith, at);
      this.#say(revision, 'APPLIED', at);
      this.agent = { ...this.agent, report: { ...this.agent.report, effective: shows(revision, at) } };
      this.inbox = null;
    });
  }

  /** FAILED with its own words; what it ran before goes on. */
  refuse(revision: RevisionRef, words: string, now: Instant): void {
    this.inbox = null;
    this.#say(revision, 'FAILED', now, words);
  }

  /** Healthy, or ill with these words. */
  feel(illness: string | null, now: Instant): void {
    const { report } = this.agent;
    this.agent = { ...this.agent, report: { ...report, health: health(illness === null, now, illness ?? '') } };
  }

  leave(now: Instant): void {
    this.#next = [];
    this.presence = { ...this.presence, connected: false, disconnectedAt: now };
  }

  /** On a connection of its own, with its full state. */
  comeBack(now: Instant): void {
    this.#sessions += 1;
    this.presence = presence({ epoch: `${this.id}/${this.#sessions}`, fullStateAt: now, lastSeen: now });
  }

  tellAll(now: Instant): void {
    this.presence = { ...this.presence, synced: true, fullStateAt: now };
  }

  pass(now: Instant): void {
    const due = this.#next.filter(({ at }) => at <= now);
    this.#next = this.#next.filter(({ at }) => at > now);
    for (const { act } of due) act(now);
    if (this.isThere) this.presence = { ...this.presence, lastSeen: now };
  }

  #after(now: Instant, millis: number, act: (now: Instant) => void): void {
    this.#next.push({ at: now + millis, act });
  }

  #say(revision: RevisionRef, status: RemoteConfigState, at: Instant, words = ''): void {
    this.agent = { ...this.agent, report: { ...this.agent.report, reported: reported(revision, status, at, words) } };
  }
}

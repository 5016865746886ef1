/** Agents in their facets, the ledger, and the texts of effective configs. */

import type { DatabaseSync } from 'node:sqlite';
import type { Agent, AgentId, AgentIdentity, AgentReport, Assignment, LedgerEntry } from '@flaghoist/fleet';
import type { Writers } from './change.ts';
import { fromJson, json } from './json.ts';
import { LIMITS } from './limits.ts';

type Kinds = 'agent-identity' | 'agent-report' | 'agent-assignment' | 'ledger' | 'agent-deleted' | 'text';

export function agentWriters(db: DatabaseSync): Writers<Kinds> {
  const identity = db.prepare(`
    INSERT INTO agents (id, instance_uid, rest) VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET instance_uid = excluded.instance_uid, rest = excluded.rest`);
  const report = db.prepare(`
    INSERT INTO agent_reports (agent, report) VALUES (?, ?)
    ON CONFLICT (agent) DO UPDATE SET report = excluded.report`);
  const assignment = db.prepare(`
    INSERT INTO agent_assignments (agent, generation, rest) VALUES (?, ?, ?)
    ON CONFLICT (agent) DO UPDATE SET generation = excluded.generation, rest = excluded.rest`);
  const ledger = db.prepare(`
    INSERT INTO agent_ledger (agent, generation, rest) VALUES (?, ?, ?)
    ON CONFLICT (agent, generation) DO UPDATE SET rest = excluded.rest`);
  const ledgerTrimmed = db.prepare('DELETE FROM agent_ledger WHERE agent = ? AND generation <= ?');
  const deletions = [
    db.prepare('DELETE FROM agents WHERE id = ?'),
    db.prepare('DELETE FROM agent_reports WHERE agent = ?'),
    db.prepare('DELETE FROM agent_assignments WHERE agent = ?'),
    db.prepare('DELETE FROM agent_ledger WHERE agent = ?'),
  ];
  const text = db.prepare('INSERT INTO texts (digest, body) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING');

  return {
    'agent-identity': ({ row: { id, instanceUid, ...rest } }) => {
      identity.run(id, instanceUid, json(rest));
    },
    'agent-report': ({ id, row }) => {
      report.run(id, json(row));
    },
    'agent-assignment': ({ id, row: { generation, ...rest } }) => {
      assignment.run(id, generation, json(rest));
    },
    ledger: ({ id, row: { generation, ...rest } }) => {
      ledger.run(id, generation, json(rest));
      const old = generation - LIMITS.generationsKept;
      if (old > 0) ledgerTrimmed.run(id, old);
    },
    'agent-deleted': ({ id }) => {
      for (const deletion of deletions) deletion.run(id);
    },
    text: ({ digest, body }) => {
      text.run(digest, body);
    },
  };
}

/** The facets of an agent as they are stored, in JSON. */
export interface AgentRow {
  readonly id: string;
  readonly instanceUid: string;
  readonly identity: string;
  readonly report: string | null;
  readonly generation: number | null;
  readonly assignment: string | null;
  readonly ledger: string | null;
}

const NOTHING_REPORTED: AgentReport = { health: null, reported: null, effective: null };
const NOTHING_ASSIGNED: Assignment = { desired: null, generation: 0, refused: [], leftOnTheWay: null };

const entry = (generation: number, rest: string): LedgerEntry => ({
  generation,
  ...fromJson<Omit<LedgerEntry, 'generation'>>(rest),
});

/** Costs the main thread less than taking over a tree of objects that another thread has parsed. */
export function decodeAgent(row: AgentRow): Agent {
  const { id, instanceUid, identity, report, generation, assignment, ledger } = row;
  return {
    identity: { id, instanceUid, ...fromJson<Omit<AgentIdentity, 'id' | 'instanceUid'>>(identity) },
    report: report === null ? NOTHING_REPORTED : fromJson(report),
    assignment:
      generation === null || assignment === null
        ? NOTHING_ASSIGNED
        : { generation, ...fromJson<Omit<Assignment, 'generation'>>(assignment) },
    ledger: generation === null || ledger === null ? null : entry(generation, ledger),
  };
}

export function agentReaders(db: DatabaseSync) {
  const agents = db.prepare(`
    SELECT a.id, a.instance_uid AS instanceUid, a.rest AS identity, r.report, s.generation, s.rest AS assignment,
           l.rest AS ledger
    FROM agents a
    LEFT JOIN agent_reports r ON r.agent = a.id
    LEFT JOIN agent_assignments s ON s.agent = a.id
    LEFT JOIN agent_ledger l ON l.agent = a.id AND l.generation = s.generation
    ORDER BY a.id`);
  const ledger = db.prepare(`
    SELECT generation, rest FROM agent_ledger WHERE agent = ? ORDER BY generation DESC LIMIT ?`);
  const text = db.prepare('SELECT body FROM texts WHERE digest = ?');

  return {
    agents: () => agents.all() as unknown as AgentRow[],
    ledger: (id: AgentId, limit: number) =>
      (ledger.all(id, limit) as { generation: number; rest: string }[]).map(({ generation, rest }) =>
        entry(generation, rest),
      ),
    texts: (digests: readonly string[]): Map<string, string> => {
      const found = new Map<string, string>();
      for (const digest of digests) {
        const row = text.get(digest) as { body: string } | undefined;
        if (row !== undefined) found.set(digest, row.body);
      }
      return found;
    },
  };
}

/** Rows for tests: one of every kind, with names, texts and keys of the sort that break naive storage. */
import type { Agent, AgentIdentity, AgentReport, Alert, Assignment, LedgerEntry, OwnStrategy } from '@flaghoist/fleet';
import { strategyNamed } from '@flaghoist/fleet';
import type { JournalEvent } from '../../src/events/journal-event.ts';
import type { Change } from '../../src/storage/store.ts';
import type { Delivery, Webhook } from '../../src/webhooks/webhook.ts';

export const AT = 1_764_000_000_000;
const HASH = 'ab'.repeat(32);
const REVISION = { configuration: 'edge', revision: 1, hash: HASH };

const ODD = '\u0000 größe 日本🚩 "\'; DROP TABLE agents; --\r\n';
const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', '', ODD];

/** Own keys that are special to JavaScript objects (R18), empty, or not ASCII. */
export function oddKeys<T>(value: T): Readonly<Record<string, T>> {
  return Object.fromEntries(KEYS.map((key) => [key, value])); // defines, never sets: `__proto__` becomes a key
}

export function identity(id: string, instanceUid: string): AgentIdentity {
  return {
    id,
    instanceUid,
    firstSeen: AT,
    identifying: { 'service.name': 'collector', ...oddKeys('') },
    nonIdentifying: {
      large: { int64: '9223372036854775807' },
      list: [1, 'zwei', null, { kvlist: oddKeys(true) }],
    },
    operatorLabels: oddKeys(ODD),
    capabilities: 0x7fff,
    admission: 'open',
    components: { hash: 'cd', ids: oddKeys(['otlp', '']) },
    group: { name: 'edge', since: AT },
    pin: { configuration: 'edge', revision: 1, reason: '', author: ODD, at: AT, expires: null },
  };
}

export function report(status: string): AgentReport {
  const health = {
    healthy: true,
    status,
    lastError: '',
    startTimeUnixNano: '1764000000000000001',
    statusTimeUnixNano: '0',
    attributes: oddKeys(0.5),
    components: {},
  };
  return {
    health: { ...health, components: oddKeys(health), at: AT },
    reported: { hash: HASH, status: 'FAILED', errorMessage: ODD, at: AT },
    effective: {
      files: [{ name: '', contentType: 'text/yaml', template: HASH, holes: ['', ODD, '4317'], bytes: 20_480 }],
      digest: HASH,
      at: AT,
    },
  };
}

export function assignment(generation: number): Assignment {
  return {
    generation,
    refused: [{ hash: HASH, reason: 'agent-failed', message: ODD, at: AT }],
    proven: [REVISION],
    leftOnTheWay: { hash: HASH, epoch: ODD, sentAt: AT, until: AT },
  };
}

export function ledgerEntry(generation: number): LedgerEntry {
  return {
    revision: REVISION,
    source: { kind: 'rollout', rollout: 'r-1' },
    generation,
    terms: { deliveryTimeout: 30_000, applyTimeout: 120_000, minHealthyTime: 0, requireEffective: 'ifReported' },
    phase: 'failed',
    offeredAt: AT,
    sentAt: AT + 1,
    sentEpoch: ODD,
    sends: 2,
    receivedAt: null,
    applyingAt: AT + 2,
    appliedAt: null,
    failure: { reason: 'agent-failed', message: ODD, at: AT + 3 },
    effective: { kind: 'contradicted', why: ODD, at: AT + 3 },
    unhealthySince: null,
    relapses: 0,
    baseline: { healthy: false, unhealthy: [ODD] },
    healthySince: null,
    provenAt: null,
    deadline: null,
    extensions: 0,
    reverts: 0,
  };
}

export function agent(id: string, instanceUid: string): Agent {
  return {
    identity: identity(id, instanceUid),
    report: report('ok'),
    assignment: assignment(1),
    ledger: ledgerEntry(1),
  };
}

export function changesOf({ identity: row, report, assignment, ledger }: Agent): readonly Change[] {
  const { id } = row;
  return [
    { kind: 'agent-identity', row },
    { kind: 'agent-report', id, row: report },
    { kind: 'agent-assignment', id, row: assignment },
    ...(ledger === null ? [] : [{ kind: 'ledger', id, row: ledger } as const]),
  ];
}

export function event(seq: number, subject = `agent/${ODD}`): JournalEvent {
  return { seq, at: AT + seq, kind: 'agent.enrolled', author: ODD, subject, data: oddKeys([null, seq]) };
}

export const configuration = { name: 'edge', description: ODD, createdAt: AT, createdBy: '' };

export const revision = {
  configuration: 'edge',
  number: 1,
  hash: HASH,
  parent: null,
  takesBack: null,
  author: ODD,
  message: '',
  createdAt: AT,
  bytes: 12,
};

export const files = oddKeys({ body: `receivers: {} # ${ODD}`, contentType: '' });

export const group = {
  name: 'edge',
  selector: 'env in (größe,日本)',
  priority: -5,
  configuration: 'edge',
  strategy: 'all-at-once',
  stable: REVISION,
  previous: [REVISION],
  condemned: [ODD],
  createdAt: AT,
};

export const rollout = {
  id: 'r-1',
  group: 'edge',
  target: REVISION,
  from: null,
  strategy: strategyNamed('quick'),
  seed: ODD,
  parent: null,
  takesBack: null,
  stages: [
    { name: 'canary', planned: 1, upTo: null },
    { name: '100%', planned: 9, upTo: null },
  ],
  canary: [ODD],
  digest: '',
  stage: 1,
  watchedUntil: null,
  lastProgress: AT,
  rollback: { message: ODD, deadline: AT, bounded: true },
  spent: { failed: 4, unwell: 1, lost: 0 },
  waived: { failed: 0, lost: 0, deferred: null, threshold: null, sibling: false },
  planned: 10,
  maxInFlight: 3,
  maxFailed: 3,
  maxLost: 1,
  maxDeferred: 2,
  author: ODD,
  message: '',
  createdAt: AT,
  endedAt: null,
  state: 'paused',
  pause: { reason: 'failures', message: ODD },
  supersededBy: null,
  supersedes: '',
  counts: {
    offered: 0,
    sent: 1,
    applying: 0,
    verifying: 0,
    proven: 2,
    failed: 4,
    inconclusive: 0,
    deferred: 0,
    skipped: 3,
    reverting: 0,
    reverted: 0,
    'revert-unconfirmed': 0,
  },
  version: 7,
} as const;

export const rolloutLog = {
  rollout: 'r-1',
  version: 1,
  at: AT,
  author: ODD,
  event: { type: 'admitted', agents: [{ agent: ODD, late: false }] },
} as const;

export const alert: Alert = {
  id: 'n-1',
  kind: 'config-failed',
  rollout: 'r-1',
  group: null,
  revision: REVISION,
  count: 3,
  remaining: 1,
  causes: [{ reason: 'agent-failed', message: ODD, count: 3, examples: [{ agent: 'a-1', name: ODD }] }],
  raisedAt: AT,
  updatedAt: AT + 1,
  resolvedAt: null,
  held: ['a-1', ODD],
};

export const webhook: Webhook = {
  name: 'oncall',
  url: { env: ODD },
  secret: null,
  events: ['alert.*'],
  selector: '',
  format: 'slack',
  createdAt: AT,
  status: { state: 'failing', since: AT, lastError: ODD, lastDeliveredAt: null, delivered: 1, dropped: 2 },
};

export const delivery = (id: string, event: number, webhook = 'oncall'): Delivery => ({ id, webhook, event, at: AT });

/** What JSON cannot hold fails in the middle of a transaction, as a full disk does. */
export const unwritable: Change = { kind: 'mark', name: 'broken', value: Number.NaN };

export const strategy: OwnStrategy = {
  name: '__proto__',
  spec: { base: 'careful', maxInFlight: { percent: 5 }, soak: { canary: 1 } },
  createdAt: AT,
};

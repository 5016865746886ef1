/** What the fake server holds. */
import { createHash } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type {
  AgentDetail,
  Alert,
  Configuration,
  Group,
  InputOf,
  JournalEvent,
  Plan,
  RevisionWithFiles,
  Rollout,
  RolloutEvent,
  RolloutPart,
  RolloutTarget,
  Strategy,
  Webhook,
} from '@flaghoist/api';

export const NOW = Date.parse('2026-11-21T12:00:00.000Z');
const at = (millisAgo: number): string => new Date(NOW - millisAgo).toISOString();

type Body<Op extends 'createRevision' | 'startRollout'> = Omit<InputOf<Op>['body'], 'author'> & {
  readonly author?: string;
};
type GroupSettings = Pick<Group, 'selector' | 'priority' | 'configuration'> & {
  strategy?: Group['strategy'] | undefined;
};
type Ref = Rollout['target'];

/** No target in any state. */
export const NO_COUNTS: Rollout['counts'] = {
  pending: 0,
  offered: 0,
  sent: 0,
  applying: 0,
  verifying: 0,
  proven: 0,
  failed: 0,
  inconclusive: 0,
  deferred: 0,
  skipped: 0,
  reverting: 0,
  reverted: 0,
  'revert-unconfirmed': 0,
};

const ALL_AT_ONCE: Rollout['strategy'] = {
  name: 'all-at-once',
  stages: ['100%'],
  canary: { size: '1%', min: 1, max: 10, selector: '' },
  maxInFlight: '25%',
  maxFailed: '1%',
  maxLost: '2%',
  maxDeferred: '20%',
  successThreshold: 95,
  deliveryTimeout: '30s',
  applyTimeout: '2m',
  minHealthyTime: '0s',
  requireEffective: 'ifReported',
  progressDeadline: '10m',
  revertTimeout: '10m',
  soak: { canary: '0s', stage: '0s' },
  bake: '0s',
  gates: [],
  onFailure: 'rollback',
};

export class World {
  readonly agents: AgentDetail[] = [];
  readonly configurations = new Map<string, Configuration>();
  readonly revisions = new Map<string, RevisionWithFiles[]>();
  readonly groups = new Map<string, Omit<Group, 'agents'>>();
  readonly rollouts = new Map<string, RolloutPart>();
  targets: RolloutTarget[] = [];
  alerts: Alert[] = [];
  readonly webhooks = new Map<string, Webhook>();
  readonly events: JournalEvent[] = [];
  /** What was decided, of whichever rollout is asked for. */
  readonly decisions: RolloutEvent[] = [];
  /** Bodies of requests that tests look at. */
  readonly calls: unknown[] = [];
  /** Whether groups have places for acts on many. */
  places = false;
  authorization: string | undefined;
  /** Called when a rollout has begun, to let it go on. */
  onStart: (rollout: RolloutPart) => void = () => undefined;
  readonly #news = new EventEmitter();

  record(kind: string, subject: string, data: Record<string, unknown>): void {
    this.events.push({ seq: this.events.length + 1, at: at(0), kind, author: 'ada', subject, data });
    this.#news.emit('event');
  }

  async *follow(after: number, signal: AbortSignal): AsyncGenerator<JournalEvent, void, void> {
    for (let seq = after; !signal.aborted; ) {
      yield* this.events.slice(seq);
      seq = Math.max(seq, this.events.length);
      await once(this.#news, 'event', { signal }).catch(() => undefined);
    }
  }

  putConfiguration(name: string, description: string, author = 'ada'): Configuration {
    const latest = this.revisions.get(name)?.length ?? 0;
    const row = {
      name,
      description,
      createdAt: at(86_400_000),
      createdBy: author,
      latest,
      groups: [],
      version: description,
    };
    this.configurations.set(name, row);
    if (latest === 0) this.revisions.set(name, []);
    return row;
  }

  save(name: string, { files, message, author = 'ada' }: Body<'createRevision'>) {
    const all = this.revisions.get(name) ?? [];
    const hash = createHash('sha256').update(JSON.stringify(files)).digest('hex');
    const last = all.at(-1);
    if (last?.hash === hash) return { ...last, created: false };
    const number = all.length + 1;
    const bytes = JSON.stringify(files).length;
    const parent = last?.number ?? null;
    const row = {
      configuration: name,
      number,
      hash,
      parent,
      author,
      message,
      createdAt: at(3_600_000),
      bytes,
      files,
    };
    all.push(row);
    const configuration = this.configurations.get(name);
    if (configuration !== undefined) this.configurations.set(name, { ...configuration, latest: number });
    return { ...row, created: true };
  }

  putGroup(name: string, { selector, priority, configuration, strategy }: GroupSettings): void {
    const before = this.groups.get(name);
    this.groups.set(name, {
      name,
      selector,
      priority,
      configuration,
      strategy: strategy ?? 'all-at-once',
      stable: before?.stable ?? null,
      createdAt: at(86_400_000),
      version: `${selector} ${priority} ${configuration}`,
    });
  }

  putWebhook(name: string, settings: Pick<Webhook, 'url' | 'secret' | 'events' | 'selector' | 'format'>): Webhook {
    const how = { state: 'ok', since: null, waiting: 0, delivered: 3, dropped: 0, lastError: '' } as const;
    const version = createHash('sha256').update(JSON.stringify(settings)).digest('hex');
    const row = { name, ...settings, ...how, lastDeliveredAt: at(60_000), createdAt: at(86_400_000), version };
    this.webhooks.set(name, row);
    return row;
  }

  addAgents(group: string | null, count: number, over: Partial<AgentDetail> = {}): void {
    for (let index = 1; index <= count; index += 1) {
      const id = `a-${group ?? 'none'}-${index}`;
      this.agents.push({ ...agentNamed(id, `${group ?? 'lone'}-host-${index}`, group), ...over });
    }
  }

  readonly strategies = new Map(
    (['all-at-once', 'careful'] as const).map((name): [string, Strategy] => {
      const stages = name === 'careful' ? (['canary', '5%', '25%', '100%'] as const) : ALL_AT_ONCE.stages;
      const settings = { ...ALL_AT_ONCE, name, stages };
      return [name, { name, builtIn: true, spec: null, settings, groups: [], createdAt: null, version: name }];
    }),
  );

  putStrategy(name: string, spec: Strategy['spec']): Strategy {
    const { base = 'careful', canary: _, soak: __, ...fields } = spec ?? {};
    const settings = {
      ...(this.strategies.get(base)?.settings ?? ALL_AT_ONCE),
      ...fields,
      name,
    } as Strategy['settings'];
    const row = { name, builtIn: false, spec, settings, groups: [], createdAt: at(0), version: JSON.stringify(spec) };
    this.strategies.set(name, row);
    return row;
  }

  /** What the gates find in every group. */
  findings: Plan['findings'] = [];

  plan(group: Group, target: Ref): Plan {
    const { name, agents: planned, stable: from } = group;
    const example = { agent: `a-${name}-1`, name: `${name}-host-1` };
    return {
      ...{ group: name, target, from, strategy: ALL_AT_ONCE, seed: 'seed', digest: 'dd', planned },
      ...{ maxInFlight: 25, maxFailed: 1, maxLost: 2, maxDeferred: 20 },
      stages: [
        { name: 'canary', planned: 1, soak: '10m', gate: from === null },
        { name: '100%', planned: planned - 1, soak: '5m', gate: false },
      ],
      ...{ bake: '30m', least: '47m', canary: [example], supersedes: null, findings: this.findings },
      strata: [
        { name: 'otelcol 0.149.0', agents: planned - 1, canary: 1 },
        { name: 'otelcol 0.140.0', agents: 1, canary: 0 },
      ],
      skipped: [{ reason: 'pinned', count: 1, examples: [example] }],
    };
  }

  start(group: Group, target: Ref, { author = 'ada', message }: Body<'startRollout'>): RolloutPart {
    const id = `r-${this.rollouts.size + 1}`;
    const rollout: RolloutPart = {
      id,
      group: group.name,
      target,
      from: group.stable,
      strategy: ALL_AT_ONCE,
      planned: group.agents,
      maxInFlight: 25,
      maxFailed: 1,
      maxLost: 2,
      maxDeferred: 20,
      spent: { failed: 0, unwell: 0, lost: 0 },
      parent: null,
      takesBack: null,
      stage: 0,
      stages: [{ name: '100%', planned: group.agents, counts: { ...NO_COUNTS, pending: group.agents } }],
      stragglers: [],
      watchedUntil: null,
      digest: '',
      rollback: null,
      state: 'running',
      pause: null,
      counts: { ...NO_COUNTS, pending: group.agents },
      inFlight: 0,
      author,
      message,
      createdAt: at(60_000),
      endedAt: null,
      supersedes: null,
      supersededBy: null,
      failures: [],
      eta: null,
    };
    this.rollouts.set(id, rollout);
    this.record('rollout.started', `rollout/${id}`, { group: group.name });
    setImmediate(() => this.onStart(rollout));
    return rollout;
  }

  /** Changes a rollout and tells of it. */
  progress(id: string, { counts, ...change }: Partial<RolloutPart>): void {
    const rollout = this.rollouts.get(id);
    if (rollout === undefined) throw new Error(`no rollout ${id}`);
    const stages =
      rollout.stages.length === 1
        ? rollout.stages.map((one) => ({ ...one, counts: { ...NO_COUNTS, ...counts } }))
        : rollout.stages;
    this.rollouts.set(id, { ...rollout, stages, ...change, counts: { ...NO_COUNTS, ...counts } });
    this.record('rollout.progressed', `rollout/${id}`, {});
  }
}

function ledgerEntry(revision: Ref): AgentDetail['ledger'][number] {
  return {
    revision,
    source: { kind: 'pin' },
    phase: 'proven',
    offeredAt: at(30_000),
    sentAt: at(29_000),
    receivedAt: null,
    applyingAt: at(28_000),
    appliedAt: at(20_000),
    failedAt: null,
    reason: null,
    errorMessage: '',
    effective: { verdict: 'confirmed', why: '', at: at(20_000) },
    healthySince: at(21_000),
    provenAt: at(20_000),
    sends: 1,
  };
}

function agentNamed(id: string, name: string, group: string | null): AgentDetail {
  const desired = group === null ? null : { configuration: group, revision: 1, hash: 'ab'.repeat(32) };
  return {
    id,
    instanceUid: id.padEnd(32, '0'),
    name,
    group,
    labels: { 'host.name': name, role: group ?? 'none' },
    connected: true,
    lastSeen: at(5_000),
    transport: 'websocket',
    health: { healthy: true, status: 'StatusOK', lastError: '', at: at(5_000) },
    capabilities: ['ReportsStatus', 'AcceptsRemoteConfig'],
    version: '0.149.0',
    desired,
    reported: { hash: 'ab'.repeat(32), status: 'APPLIED', errorMessage: '', at: at(180_000) },
    effective: null,
    admission: 'open',
    sync: group === null ? 'unmanaged' : 'in-sync',
    state: group === null ? 'unmanaged' : 'in-sync',
    reason: group === null ? 'no group selects this agent' : `proven to run ${group}@1`,
    firstSeen: at(86_400_000),
    identifyingAttributes: { 'service.name': 'otelcol' },
    nonIdentifyingAttributes: { 'host.name': name },
    operatorLabels: {},
    healthTree: null,
    components: null,
    pin: null,
    refused: [],
    ledger: desired === null ? [] : [ledgerEntry(desired)],
  };
}

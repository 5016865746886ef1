import { describe, expect, test } from 'vitest';
import { A, agent, assigned, B, entry, health, presence, reported, T0, without } from '../../test/samples.ts';
import type { Agent, AgentIdentity, Presence } from '../agents/agent.ts';
import { assign, behindNobody, retry } from './assignment.ts';
import { type FailureReason, type LedgerEntry, PHASES, type Phase } from './ledger.ts';
import { AGENT_STATES, type AgentState, standing } from './sync.ts';

const AWAY: Presence = presence({ connected: false, disconnectedAt: T0 });
const failed = (reason: FailureReason, message: string, over: Partial<LedgerEntry> = {}): LedgerEntry =>
  entry('failed', { failure: { reason, message, at: T0 }, ...over });
const as = (subject: Agent, over: Partial<AgentIdentity>): Agent => ({
  ...subject,
  identity: { ...subject.identity, ...over },
});
const at = (phase: Phase): Agent => assigned(entry(phase), { reported: reported(B, 'APPLIED', T0) });

interface Row {
  readonly why: string;
  readonly agent: Agent;
  readonly there?: Presence;
  readonly sync: string;
  readonly state: AgentState;
  readonly reason: string;
}

/** Every row of interface.md (`admission`, `sync`, `state`), with the sentence that people read. */
const ROWS: readonly Row[] = [
  {
    why: 'no group',
    agent: as(agent(), { group: null }),
    sync: 'unmanaged',
    state: 'unmanaged',
    reason: 'no group selects this agent',
  },
  {
    why: 'a group without a revision for it',
    agent: agent(),
    sync: 'unmanaged',
    state: 'unmanaged',
    reason: 'group edge has no revision for this agent yet',
  },
  { why: 'proven', agent: at('proven'), sync: 'in-sync', state: 'in-sync', reason: 'runs edge@11, proven' },
  {
    why: 'assigned',
    agent: at('offered'),
    sync: 'updating',
    state: 'updating',
    reason: 'edge@11 waits to be sent',
  },
  {
    why: 'sent',
    agent: at('sent'),
    sync: 'updating',
    state: 'updating',
    reason: 'edge@11 was sent; no answer yet',
  },
  {
    why: 'received',
    agent: at('received'),
    sync: 'updating',
    state: 'updating',
    reason: 'has edge@11; no verdict yet',
  },
  {
    why: 'applying',
    agent: at('applying'),
    sync: 'updating',
    state: 'updating',
    reason: 'is applying edge@11',
  },
  {
    why: 'verifying',
    agent: at('verifying'),
    sync: 'updating',
    state: 'updating',
    reason: 'says edge@11 is applied; health and effective config are being checked',
  },
  {
    why: 'refused, in its words',
    agent: assigned(failed('agent-failed', 'exit code 1'), {
      reported: reported(B, 'FAILED', T0, 'exit code 1'),
    }),
    sync: 'failed',
    state: 'failed',
    reason: 'exit code 1',
  },
  {
    why: 'refused without words',
    agent: assigned(failed('agent-failed', ''), { reported: reported(B, 'FAILED', T0) }),
    sync: 'failed',
    state: 'failed',
    reason: 'refused edge@11',
  },
  {
    why: 'refused, and back on the old one (P2a)',
    agent: assigned(failed('agent-failed', 'exit code 1'), { reported: reported(A, 'APPLIED', T0) }),
    sync: 'rolled-back',
    state: 'rolled-back',
    reason: 'went back from edge@11 by itself: exit code 1',
  },
  {
    why: 'went back without a word',
    agent: assigned(failed('agent-reverted', 'the agent went back to 0a by itself'), {
      reported: reported(A, 'APPLIED', T0),
    }),
    sync: 'rolled-back',
    state: 'rolled-back',
    reason: 'went back from edge@11 by itself: the agent went back to 0a by itself',
  },
  {
    why: 'lost it twice',
    agent: assigned(failed('restart-loop', 'the agent lost the revision twice by restarting'), {
      reported: null,
    }),
    sync: 'failed',
    state: 'failed',
    reason: 'the agent lost the revision twice by restarting',
  },
  {
    why: 'no verdict',
    agent: assigned(failed('apply-timeout', 'no verdict within 120 s of the offer')),
    sync: 'failed',
    state: 'failed',
    reason: 'no verdict within 120 s of the offer',
  },
  {
    why: 'vanished',
    agent: assigned(failed('lost-contact', 'the agent vanished after the offer')),
    there: AWAY,
    sync: 'failed',
    state: 'failed',
    reason: 'the agent vanished after the offer',
  },
  {
    why: 'a failure without words',
    agent: assigned(failed('apply-timeout', '')),
    sync: 'failed',
    state: 'failed',
    reason: 'apply-timeout',
  },
  {
    why: 'applied, not healthy',
    agent: assigned(failed('unhealthy', 'exporter down')),
    sync: 'unhealthy',
    state: 'unhealthy',
    reason: 'exporter down',
  },
  {
    why: 'proven, ill now',
    agent: assigned(entry('proven'), { health: health(false, T0 + 1, 'queue full') }),
    sync: 'unhealthy',
    state: 'unhealthy',
    reason: 'queue full',
  },
  {
    why: 'proven, ill without words',
    agent: assigned(entry('proven'), { health: health(false, T0 + 1) }),
    sync: 'unhealthy',
    state: 'unhealthy',
    reason: 'runs edge@11 and is not healthy',
  },
  {
    why: 'contradicted',
    agent: assigned(failed('effective-mismatch', 'exporter otlp is not in the effective config')),
    sync: 'drifted',
    state: 'drifted',
    reason: 'exporter otlp is not in the effective config',
  },
  {
    why: 'proven, drifted since',
    agent: assigned(entry('proven', { effective: { kind: 'contradicted', why: 'pipeline traces is gone', at: T0 } })),
    sync: 'drifted',
    state: 'drifted',
    reason: 'pipeline traces is gone',
  },
  {
    why: 'ill and drifted: the first of the order',
    agent: assigned(entry('proven', { effective: { kind: 'contradicted', why: 'x', at: T0 } }), {
      health: health(false, T0 + 1, 'ill'),
    }),
    sync: 'unhealthy',
    state: 'unhealthy',
    reason: 'ill',
  },
  {
    why: 'takes no config',
    agent: as(at('offered'), { capabilities: without('AcceptsRemoteConfig') }),
    sync: 'unverifiable',
    state: 'unverifiable',
    reason: 'the agent does not accept remote configuration (AcceptsRemoteConfig)',
  },
  {
    why: 'takes no config and is asked nothing',
    agent: agent('a', { capabilities: without('AcceptsRemoteConfig') }),
    sync: 'unverifiable',
    state: 'unverifiable',
    reason: 'the agent does not accept remote configuration (AcceptsRemoteConfig)',
  },
  {
    why: 'shows nothing',
    agent: as(at('sent'), { capabilities: without('ReportsRemoteConfig', 'ReportsEffectiveConfig') }),
    sync: 'unverifiable',
    state: 'unverifiable',
    reason: 'edge@11 was sent; the agent reports neither a config status nor an effective config',
  },
  {
    why: 'shows nothing, and its time is over',
    agent: as(assigned(failed('never-acknowledged', 'x')), {
      capabilities: without('ReportsRemoteConfig', 'ReportsEffectiveConfig'),
    }),
    sync: 'unverifiable',
    state: 'unverifiable',
    reason: 'edge@11 was sent; the agent reports neither a config status nor an effective config',
  },
  {
    why: 'away',
    agent: at('proven'),
    there: AWAY,
    sync: 'in-sync',
    state: 'offline',
    reason: 'not connected',
  },
  {
    why: 'away in the middle',
    agent: at('applying'),
    there: AWAY,
    sync: 'updating',
    state: 'offline',
    reason: 'not connected; is applying edge@11',
  },
  {
    why: 'away and unmanaged',
    agent: as(agent(), { group: null }),
    there: AWAY,
    sync: 'unmanaged',
    state: 'offline',
    reason: 'not connected',
  },
  {
    why: 'awaits approval',
    agent: as(at('proven'), { admission: 'awaiting-approval' }),
    sync: 'in-sync',
    state: 'awaiting-approval',
    reason: 'waits for an operator to approve it; nothing is offered until then',
  },
  {
    why: 'quarantined',
    agent: as(assigned(failed('agent-failed', 'x')), { admission: 'quarantined' }),
    sync: 'rolled-back',
    state: 'quarantined',
    reason:
      'left its group 3 times within 10 min by its own attributes; nothing is offered until an operator approves it',
  },
  {
    why: 'revoked',
    agent: as(at('proven'), { admission: 'revoked' }),
    there: AWAY,
    sync: 'in-sync',
    state: 'revoked',
    reason: 'its credentials were revoked; nothing is offered',
  },
];

const TAKEN_BACK = {
  kind: 'rollback',
  rollout: 'r-1',
  failedOn: { revision: { ...B, revision: 12 }, reason: 'unhealthy', message: 'queue is full' },
} as const;

describe('standing', () => {
  test.each([
    ['offered', 'taken back from edge@12: queue is full; edge@11 waits to be sent'],
    ['proven', 'taken back from edge@12: queue is full; runs edge@11, proven'],
  ] as const)('taken back while others went on, %s: behind them for a reason (A.4)', (phase, reason) => {
    const back = assigned(entry(phase, { source: TAKEN_BACK }), { reported: null });
    expect(standing(back, presence())).toEqual({ sync: 'rolled-back', state: 'rolled-back', reason });
    expect(standing(behindNobody(back), presence()).sync).not.toBe('rolled-back');
    const ill = { ...back, report: { ...back.report, health: health(false, T0, 'ill') } };
    if (phase === 'proven') expect(standing(ill, presence()).sync).toBe('unhealthy');
  });

  test.each(ROWS)('$why is $state', ({ agent: subject, there, sync, state, reason }) => {
    expect(standing(subject, there ?? presence())).toEqual({ sync, state, reason });
  });

  test('every state is reached by a row', () => {
    expect(new Set(ROWS.map(({ state }) => state))).toEqual(new Set(AGENT_STATES));
  });

  test('FAILED is never shown as applied, nor a refusal as updating', () => {
    for (const phase of PHASES) {
      const refused = { ...at(phase), assignment: { ...assigned(failed('agent-failed', 'no')).assignment } };
      expect(['failed', 'rolled-back']).toContain(standing(refused, presence()).sync);
    }
  });

  test('a retry is updating again', () => {
    const again = retry(assigned(failed('agent-failed', 'no'), { reported: reported(B, 'FAILED', T0) }), T0 + 1);
    expect(standing(again, presence())).toMatchObject({
      sync: 'updating',
      reason: 'edge@11 waits to be sent',
    });
  });

  test('a pinned agent without a group is managed', () => {
    const pinned = assign(as(agent(), { group: null }), B, { kind: 'pin' }, entry('offered').terms, T0);
    expect(standing(pinned, presence()).sync).toBe('updating');
  });

  test('each state outweighs those after it in the order', () => {
    const order = [...AGENT_STATES];
    expect(order.indexOf('failed')).toBeLessThan(order.indexOf('offline'));
    expect(order.indexOf('offline')).toBeLessThan(order.indexOf('updating'));
    for (const reason of ['agent-failed', 'unhealthy', 'effective-mismatch'] as const) {
      const subject = assigned(failed(reason, 'x'));
      expect(standing(subject, AWAY).state).not.toBe('offline');
    }
  });
});

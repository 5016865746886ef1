/** One agent as people read it: who it is, how it is, what it should run and how far that got. */
import type { AgentDetail, LedgerEntryView } from '@flaghoist/api';
import type { Session } from '../session.ts';
import { tableOptions } from './print.ts';
import { agentState, painted } from './state.ts';
import { type Column, renderFacts, renderTable } from './table.ts';
import { ago, oneLine } from './text.ts';

const revisionText = (
  revision: { readonly configuration: string; readonly revision: number; readonly hash: string } | null,
) =>
  revision === null ? null : `${revision.configuration}@${revision.revision} (${revision.hash.slice(0, 12)})`;

function facts(session: Session, agent: AgentDetail): string {
  const now = session.now();
  const { health, reported, effective, pin } = agent;
  const seen = `${ago(agent.lastSeen, now)}${agent.transport === null ? '' : ` over ${agent.transport}`}`;
  const healthText =
    health && `${health.healthy ? 'healthy' : 'unhealthy'} ${health.status} ${health.lastError}`;
  const reportedText =
    reported &&
    `${reported.status} ${reported.hash.slice(0, 12)}, ${ago(reported.at, now)} ${reported.errorMessage}`;
  const until = pin?.expires ? ` until ${pin.expires}` : '';
  const labels = Object.entries(agent.labels).map(([key, value]) => `${key}=${value}`);
  return renderFacts(
    (
      [
        ['Name', agent.name],
        ['Id', agent.id],
        ['Instance uid', agent.instanceUid],
        ['State', `${painted(agentState(agent.state, session.style))}: ${oneLine(agent.reason)}`],
        ['Group', agent.group],
        ['Admission', agent.admission],
        ['Connected', `${agent.connected ? 'yes' : 'no'}, seen ${seen}`],
        ['Version', agent.version],
        ['Health', healthText],
        ['Desired', revisionText(agent.desired)],
        ['Reported', reportedText],
        ['Effective', effective && `${effective.digest.slice(0, 12)}, ${ago(effective.at, now)}`],
        ['Pin', pin && `${pin.configuration}@${pin.revision}${until} by ${pin.author}: ${pin.reason}`],
        [
          'Refused',
          agent.refused.map(({ hash, message }) => `${hash.slice(0, 12)} ${message}`).join('; ') || null,
        ],
        ['Capabilities', agent.capabilities.join(', ') || null],
        ['Labels', labels.join(', ') || null],
      ] as const
    ).map(
      ([name, value]) => [name, value === null || name === 'State' ? value : oneLine(value).trim()] as const,
    ),
  );
}

/** What the last word on an entry is: the agent's own, or ours. */
function verdict(entry: LedgerEntryView): string {
  if (entry.reason !== null)
    return [entry.reason, entry.errorMessage].filter((text) => text !== '').join(': ');
  return entry.effective === null
    ? ''
    : [entry.effective.verdict, entry.effective.why].filter(Boolean).join(': ');
}

function ledgerColumns(session: Session): Column<LedgerEntryView>[] {
  const clock = (time: string | null): string => (time === null ? '-' : time.slice(11, 19));
  const { style } = session;
  const paint = { proven: style.good, failed: style.bad } as Readonly<
    Record<string, (text: string) => string>
  >;
  return [
    { header: 'REVISION', cell: ({ revision }) => `${revision.configuration}@${revision.revision}` },
    { header: 'PHASE', cell: ({ phase }) => ({ text: phase, paint: paint[phase] ?? style.busy }) },
    { header: 'DATE', cell: ({ offeredAt }) => offeredAt.slice(0, 10) },
    { header: 'OFFERED', cell: ({ offeredAt }) => clock(offeredAt) },
    { header: 'SENT', cell: ({ sentAt }) => clock(sentAt) },
    { header: 'RECEIVED', cell: ({ receivedAt }) => clock(receivedAt), wide: true },
    { header: 'APPLYING', cell: ({ applyingAt }) => clock(applyingAt) },
    { header: 'APPLIED', cell: ({ appliedAt }) => clock(appliedAt) },
    { header: 'HEALTHY', cell: ({ healthySince }) => clock(healthySince), wide: true },
    { header: 'PROVEN', cell: ({ provenAt }) => clock(provenAt) },
    { header: 'FAILED', cell: ({ failedAt }) => clock(failedAt) },
    { header: 'SENDS', cell: ({ sends }) => String(sends), right: true, wide: true },
    { header: 'VERDICT', cell: verdict, least: 16 },
  ];
}

export function agentText(session: Session, agent: AgentDetail): string {
  const ledger =
    agent.ledger.length === 0
      ? ''
      : `\n${session.style.bold('Ledger')} (UTC, newest first)\n${renderTable(ledgerColumns(session), agent.ledger, tableOptions(session))}`;
  return `${facts(session, agent)}${ledger}`;
}

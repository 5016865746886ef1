import type { Agent, AgentDetail, AgentState, Client, LedgerEntryView } from '@flaghoist/api';
import { parseDuration } from '@flaghoist/fleet';
import { command, type Given } from '../command.ts';
import { CliError, ExitCode } from '../exit-code.ts';
import { type Kind, list, print, show } from '../output/print.ts';
import { stateCell } from '../output/state.ts';
import { type Column, renderTable } from '../output/table.ts';
import { ago, filesText, revisionText } from '../output/text.ts';
import { agentId, parseReference, resolveReference } from '../references.ts';
import type { Session } from '../session.ts';
import { EVENT } from './events.ts';

export const AGENT: Kind<Agent> = {
  name: ({ id }) => `agent/${id}`,
  columns: (session) => [
    { header: 'NAME', cell: ({ name }) => name, least: 12 },
    { header: 'STATE', cell: ({ state }) => stateCell(state, session.style) },
    { header: 'GROUP', cell: ({ group }) => group ?? '-', least: 8 },
    { header: 'DESIRED', cell: ({ desired }) => revisionText(desired) },
    { header: 'REPORTED', cell: ({ reported }) => reported?.status ?? '-' },
    { header: 'SEEN', cell: ({ lastSeen }) => ago(lastSeen, session.now()) },
    { header: 'ID', cell: ({ id }) => id, wide: true },
    { header: 'INSTANCE UID', cell: ({ instanceUid }) => instanceUid, wide: true },
    { header: 'VERSION', cell: ({ version }) => version ?? '-', wide: true },
    {
      header: 'CONNECTED',
      cell: ({ connected, transport }) => (connected ? `by ${transport}` : 'no'),
      wide: true,
    },
    { header: 'ADMISSION', cell: ({ admission }) => admission, wide: true },
    { header: 'SYNC', cell: ({ sync }) => sync, wide: true },
    { header: 'REASON', cell: ({ reason }) => reason, least: 20 },
  ],
};

const AGENT_DETAIL: Kind<AgentDetail> = {
  name: AGENT.name,
  columns: (session) => [
    ...AGENT.columns(session),
    {
      header: 'HEALTH',
      cell: ({ health }) => (health ? `${health.status} ${health.lastError}`.trim() : '-'),
    },
    {
      header: 'SAYS',
      cell: ({ reported }) =>
        `${ago(reported?.at ?? null, session.now())} ${reported?.errorMessage ?? ''}`.trim(),
    },
    {
      header: 'PIN',
      cell: ({ pin }) =>
        pin ? `${revisionText(pin)} until ${pin.expires ?? 'unpinned'} by ${pin.author}: ${pin.reason}` : '-',
    },
    {
      header: 'REFUSED',
      cell: ({ refused }) => refused.map(({ hash, message }) => `${hash.slice(0, 12)} ${message}`).join('; '),
    },
    { header: 'CAPABILITIES', cell: ({ capabilities }) => capabilities.join(', ') },
    {
      header: 'LABELS',
      cell: ({ labels }) =>
        Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(', '),
    },
  ],
};

/** The last word on an entry: the agent's own, or ours. */
function verdict({ reason, errorMessage, effective }: LedgerEntryView): string {
  const words = reason === null ? [effective?.verdict, effective?.why] : [reason, errorMessage];
  return words.filter(Boolean).join(': ');
}

function ledgerColumns({ style }: Session): Column<LedgerEntryView>[] {
  const clock = (time: string | null): string => (time === null ? '-' : time.slice(11, 19));
  return [
    { header: 'REVISION', cell: ({ revision }) => revisionText(revision) },
    { header: 'PHASE', cell: ({ phase }) => stateCell(phase, style) },
    { header: 'DATE', cell: ({ offeredAt }) => offeredAt.slice(0, 10) },
    { header: 'OFFERED', cell: ({ offeredAt }) => clock(offeredAt) },
    { header: 'SENT', cell: ({ sentAt }) => clock(sentAt) },
    { header: 'RECEIVED', cell: ({ receivedAt }) => clock(receivedAt), wide: true },
    { header: 'APPLYING', cell: ({ applyingAt }) => clock(applyingAt) },
    { header: 'APPLIED', cell: ({ appliedAt }) => clock(appliedAt) },
    { header: 'HEALTHY', cell: ({ healthySince }) => clock(healthySince), wide: true },
    { header: 'PROVEN', cell: ({ provenAt }) => clock(provenAt) },
    { header: 'FAILED', cell: ({ failedAt }) => clock(failedAt) },
    { header: 'VERDICT', cell: verdict, least: 16 },
  ];
}

async function listAgents(session: Session, given: Given<never, 'group' | 'state' | 'query'>) {
  const client = await session.client();
  const { selector } = session.options;
  // A state is checked by the server, whose answer names the states there are.
  const filter = {
    selector,
    group: given.group,
    state: given.state as AgentState | undefined,
    q: given.query,
  };
  return list(session, AGENT, (page) => client.listAgents({ ...filter, ...page }));
}

async function showAgent(session: Session, _: object, reference: string) {
  const client = await session.client();
  const agent = await client.getAgent({ id: await agentId(client, reference) });
  const table = renderTable(ledgerColumns(session), agent.ledger, session.table());
  const text =
    agent.ledger.length === 0 ? '' : `\n${session.style.bold('Ledger')} (UTC, newest first)\n${table}`;
  return show(session, AGENT_DETAIL, agent, { text });
}

const VIEWS = ['desired', 'offered', 'effective'] as const;

async function config(session: Session, given: Given<never, 'view'>, reference: string): Promise<undefined> {
  const view = VIEWS.find((known) => known === (given.view ?? 'effective'));
  if (view === undefined) throw new CliError(`--view ${given.view}: give one of ${VIEWS.join(', ')}`);
  const client = await session.client();
  const found = await client.getAgentConfig({ id: await agentId(client, reference), view });
  if (found.files.length === 0) throw new CliError(`the agent has no ${view} config`, ExitCode.notFound);
  const text = () => session.foreign(filesText(found.files));
  await print(session, found, { names: [reference], text });
}

async function timeline(session: Session, _: object, reference: string) {
  const client = await session.client();
  const id = await agentId(client, reference);
  return list(session, EVENT, (page) => client.getAgentTimeline({ id, ...page }));
}

/** `role=edge` sets a label, `role-` removes it. */
function labelChanges(changes: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    changes.map((change) => {
      const [, key = '', value] = /^([^=]+)=(.*)$/s.exec(change) ?? /^([^=]+)-$/.exec(change) ?? [];
      if (key !== '') return [key, value ?? null];
      throw new CliError(`${JSON.stringify(change)}: write NAME=VALUE to set a label, NAME- to remove it`);
    }),
  );
}

/** A time, or a length of time from now on. */
function expiry(session: Session, text: string): string {
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : session.now() + (parseDuration(text) ?? Number.NaN);
  if (Number.isNaN(time))
    throw new CliError(`--expires ${text}: give a duration such as 2h, or an RFC 3339 time`);
  return new Date(time).toISOString();
}

interface Act {
  readonly call: (
    client: Client,
    target: { readonly id: string; readonly author: string },
  ) => Promise<unknown>;
  /** What happened then: `unpinned`. */
  readonly done: string;
  /** Asked at a terminal first. */
  readonly question?: string;
}

/** Does something with one agent and says so. */
async function act(
  session: Session,
  by: string | undefined,
  reference: string,
  { call, done, question }: Act,
): Promise<undefined> {
  const client = await session.client();
  const id = await agentId(client, reference);
  if (question !== undefined) await session.confirm(`agent/${id}: ${question}`);
  const answer = await call(client, { id, author: session.author(by) });
  const text = () => `agent/${id} ${done}\n`;
  await print(session, answer ?? { id }, { names: [`agent/${id}`], text });
}

async function label(
  session: Session,
  { author }: Given<never, 'author'>,
  reference: string,
  changes: readonly string[],
) {
  const labels = labelChanges(changes);
  const call: Act['call'] = (client, { id, author }) => client.labelAgent({ id, body: { labels, author } });
  return act(session, author, reference, { call, done: 'labelled' });
}

async function pin(session: Session, given: Given<'to' | 'reason', 'expires' | 'author'>, reference: string) {
  const { to, reason } = given;
  const expires = given.expires === undefined ? undefined : expiry(session, given.expires);
  const revision = await resolveReference(await session.client(), parseReference(to));
  const call: Act['call'] = (client, { id, author }) =>
    client.pinAgent({ id, body: { ...revision, reason, author, expires } });
  return act(session, given.author, reference, { call, done: `pinned to ${to}` });
}

const simple =
  (what: Act) =>
  (session: Session, { author }: Given<never, 'author'>, reference: string) =>
    act(session, author, reference, what);
const takes = ['author'] as const;

export const agentCommands = [
  command('agent list', 'list agents', { takes: ['group', 'state', 'query'] }, listAgents),
  command('agent show <agent>', 'show an agent with its ledger', {}, showAgent),
  command('agent config <agent>', 'show its configuration', { takes: ['view'] }, config),
  command('agent timeline <agent>', 'show what happened to it', {}, timeline),
  command(
    'agent label <agent> <changes...>',
    'set labels (role=edge) or remove them (role-)',
    { takes },
    label,
  ),
  command(
    'agent pin <agent>',
    'push a revision to this agent alone',
    { needs: ['to', 'reason'], takes: ['expires', 'author'] },
    pin,
  ),
  command(
    'agent unpin <agent>',
    'give it back to its group',
    { takes },
    simple({ call: (client, target) => client.unpinAgent(target), done: 'unpinned' }),
  ),
  command(
    'agent restart <agent>',
    'restart its collector',
    { takes },
    simple({
      call: (client, target) => client.restartAgent(target),
      done: 'told to restart',
      question: 'restart its collector?',
    }),
  ),
  command(
    'agent retry <agent>',
    'offer it again what it refused',
    { takes },
    simple({ call: (client, target) => client.retryAgent(target), done: 'offered again' }),
  ),
  command(
    'agent delete <agent>',
    'forget it',
    { takes },
    simple({
      call: (client, target) => client.deleteAgent(target),
      done: 'deleted',
      question: 'forget it with its history? It comes back as a new agent when it connects.',
    }),
  ),
];

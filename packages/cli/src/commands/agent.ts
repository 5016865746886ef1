import type { Agent, AgentDetail, Client, LedgerEntryView } from '@flaghoist/api';
import { command, type Given } from '../command.ts';
import { CliError, ExitCode } from '../exit-code.ts';
import { type Kind, listing, print, show } from '../output/print.ts';
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
    { header: 'CONNECTED', cell: ({ connected }) => (connected ? 'yes' : 'no'), wide: true },
    { header: 'TRANSPORT', cell: ({ transport }) => transport ?? '-', wide: true },
    { header: 'ADMISSION', cell: ({ admission }) => admission, wide: true },
    { header: 'SYNC', cell: ({ sync }) => sync, wide: true },
    { header: 'REASON', cell: ({ reason }) => reason, least: 20 },
  ],
};

const AGENT_DETAIL: Kind<AgentDetail> = {
  name: AGENT.name,
  columns: (session) => [
    ...AGENT.columns(session),
    { header: 'HEALTH', cell: ({ health }) => health?.lastError || (health?.status ?? '-') },
    { header: 'REPORTED AT', cell: ({ reported }) => reported?.at ?? '-' },
    {
      header: 'PIN',
      cell: ({ pin }) => (pin ? `${revisionText(pin)} by ${pin.author}: ${pin.reason}` : '-'),
    },
    { header: 'PINNED UNTIL', cell: ({ pin }) => pin?.expires ?? '-' },
    { header: 'REFUSED', cell: ({ refused }) => refused.map(({ hash }) => hash.slice(0, 12)).join(', ') },
    { header: 'CAPABILITIES', cell: ({ capabilities }) => capabilities.join(', ') },
    { header: 'LABELS', cell: ({ labels }) => labelsText(labels) },
  ],
};

function labelsText(labels: Agent['labels']): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}

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

async function showAgent(session: Session, _: object, reference: string) {
  const { client } = session;
  const agent = await client.getAgent({ id: await agentId(client, reference) });
  const table = renderTable(ledgerColumns(session), agent.ledger, session.table);
  const text = agent.ledger.length === 0 ? '' : `\n${session.style.bold('Ledger')} (UTC, newest first)\n${table}`;
  return show(session, AGENT_DETAIL, agent, { text });
}

const VIEWS = ['desired', 'offered', 'effective'] as const;

async function config(session: Session, given: Given<'view'>, reference: string): Promise<undefined> {
  const view = VIEWS.find((known) => known === (given.view ?? 'effective'));
  if (view === undefined) throw new CliError(`--view ${given.view}: give one of ${VIEWS.join(', ')}`);
  const { client } = session;
  const found = await client.getAgentConfig({ id: await agentId(client, reference), view });
  if (found.files.length === 0) throw new CliError(`the agent has no ${view} config`, ExitCode.notFound);
  const text = () => session.foreign(filesText(found.files));
  await print(session, found, { names: [reference], text });
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
async function expiry(session: Session, text: string): Promise<string> {
  const { parseDuration } = await import('@flaghoist/fleet');
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : session.now() + (parseDuration(text) ?? Number.NaN);
  if (Number.isNaN(time)) throw new CliError(`--expires ${text}: give a duration such as 2h, or an RFC 3339 time`);
  return new Date(time).toISOString();
}

type Act = (client: Client, target: { readonly id: string; readonly author: string }) => Promise<unknown>;
type ByAuthor = Given<'author'>;

/** Does something with one agent and says so; asks `question` at a terminal first. */
async function act(session: Session, by: ByAuthor, reference: string, call: Act, done: string, question?: string) {
  const id = await agentId(session.client, reference);
  if (question !== undefined) await session.confirm(`agent/${id}: ${question}`);
  const answer = await call(session.client, { id, author: session.author(by.author) });
  const text = () => `agent/${id} ${done}\n`;
  return print(session, answer ?? { id }, { names: [`agent/${id}`], text });
}

async function label(session: Session, by: ByAuthor, reference: string, changes: readonly string[]) {
  const labels = labelChanges(changes);
  const call: Act = (client, { id, author }) => client.labelAgent({ id, body: { labels, author } });
  return act(session, by, reference, call, 'labelled');
}

async function pin(session: Session, given: Given<'to!' | 'reason!' | 'expires' | 'author'>, reference: string) {
  const { to, reason } = given;
  const expires = given.expires === undefined ? undefined : await expiry(session, given.expires);
  const revision = await resolveReference(session.client, parseReference(to));
  const call: Act = (client, { id, author }) => client.pinAgent({ id, body: { ...revision, reason, author, expires } });
  return act(session, given, reference, call, `pinned to ${to}`);
}

const FORGET = 'forget it with its history? It comes back as a new agent when it connects.';
const ACTS = [
  ['unpin', 'give it back to its group', 'unpinAgent', 'unpinned'],
  ['restart', 'restart its collector', 'restartAgent', 'told to restart', 'restart its collector?'],
  ['retry', 'offer it again what it refused', 'retryAgent', 'offered again'],
  ['delete', 'forget it', 'deleteAgent', 'deleted', FORGET],
] as const;

const listAgents = listing(AGENT, (client, page) => client.listAgents(page));
const timeline = listing(EVENT, async (client, page, agent) =>
  client.getAgentTimeline({ ...page, id: await agentId(client, agent) }),
);

export const agentCommands = [
  command('agent list', 'list agents', ['group', 'state', 'q'], listAgents),
  command('agent show <agent>', 'show an agent with its ledger', [], showAgent),
  command('agent config <agent>', 'show its configuration', ['view'], config),
  command('agent timeline <agent>', 'show what happened to it', [], timeline),
  command('agent label <agent> <changes...>', 'set labels (a=b) or remove them (a-)', ['author'], label),
  command('agent pin <agent>', 'push a revision to it alone', ['to!', 'reason!', 'expires', 'author'], pin),
  ...ACTS.map(([verb, about, method, done, question]) =>
    command(`agent ${verb} <agent>`, about, ['author'], (session, by: ByAuthor, agent: string) =>
      act(session, by, agent, (client, target) => client[method](target), done, question),
    ),
  ),
];

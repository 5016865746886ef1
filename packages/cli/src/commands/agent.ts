import { type Agent, type AgentDetail, type AgentState, allItems } from '@flaghoist/api';
import { CliError, ExitCode } from '../exit-code.ts';
import { filesText } from '../output/files.ts';
import { printList, printOne } from '../output/print.ts';
import { agentState } from '../output/state.ts';
import type { Column } from '../output/table.ts';
import { ago } from '../output/text.ts';
import { agentId, parseReference, resolveReference } from '../references.ts';
import type { Session } from '../session.ts';

export interface AgentFilter {
  readonly group?: string;
  readonly state?: string;
  readonly query?: string;
}

export function agentColumns(session: Session): Column<Agent>[] {
  const now = session.now();
  return [
    { header: 'NAME', cell: ({ name }) => name, least: 12 },
    { header: 'STATE', cell: ({ state }) => agentState(state, session.style) },
    { header: 'GROUP', cell: ({ group }) => group ?? '-', least: 8 },
    {
      header: 'DESIRED',
      cell: ({ desired }) => (desired === null ? '-' : `${desired.configuration}@${desired.revision}`),
    },
    { header: 'REPORTED', cell: ({ reported }) => reported?.status ?? '-' },
    { header: 'SEEN', cell: ({ lastSeen }) => ago(lastSeen, now) },
    { header: 'ID', cell: ({ id }) => id, wide: true },
    { header: 'INSTANCE UID', cell: ({ instanceUid }) => instanceUid, wide: true },
    { header: 'VERSION', cell: ({ version }) => version ?? '-', wide: true },
    { header: 'TRANSPORT', cell: ({ transport }) => transport ?? '-', wide: true },
    { header: 'REASON', cell: ({ reason }) => reason, least: 20 },
  ];
}

export async function list(session: Session, filter: AgentFilter): Promise<void> {
  const client = await session.client();
  const query = {
    selector: session.options.selector,
    group: filter.group,
    // Checked by the server, whose answer names the states there are.
    state: filter.state as AgentState | undefined,
    q: filter.query,
    limit: 1_000,
  };
  const agents = await allItems((cursor) => client.listAgents({ ...query, cursor }));
  await printList(session, agents, ({ id }) => `agent/${id}`, agentColumns(session));
}

export async function show(session: Session, reference: string): Promise<void> {
  const client = await session.client();
  const agent = await client.getAgent({ id: await agentId(client, reference) });
  await printOne(session, agent, {
    name: `agent/${agent.id}`,
    text: async () => (await import('../output/agent.ts')).agentText(session, agent),
  });
}

const VIEWS = ['desired', 'offered', 'effective'] as const;

export async function config(
  session: Session,
  reference: string,
  options: { readonly view: string },
): Promise<void> {
  const view = VIEWS.find((known) => known === options.view);
  if (view === undefined) throw new CliError(`--view ${options.view}: give one of ${VIEWS.join(', ')}`);
  const client = await session.client();
  const found = await client.getAgentConfig({ id: await agentId(client, reference), view });
  if (found.files.length === 0) throw new CliError(`the agent has no ${view} config`, ExitCode.notFound);
  await printOne(session, found, {
    name: reference,
    text: () => session.foreign(filesText(found.files)),
  });
}

export async function timeline(session: Session, reference: string): Promise<void> {
  const client = await session.client();
  const id = await agentId(client, reference);
  const events = await allItems((cursor) => client.getAgentTimeline({ id, limit: 1_000, cursor }));
  const { eventColumns } = await import('../output/events.ts');
  await printList(session, events, ({ seq }) => `event/${seq}`, eventColumns(session));
}

export interface ByAuthor {
  readonly author?: string;
}

/** `role=edge` sets a label, `role-` removes it. */
function labelChanges(changes: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    changes.map((change) => {
      const at = change.indexOf('=');
      if (at > 0) return [change.slice(0, at), change.slice(at + 1)];
      if (at === -1 && change.length > 1 && change.endsWith('-')) return [change.slice(0, -1), null];
      throw new CliError(`${JSON.stringify(change)}: write NAME=VALUE to set a label, NAME- to remove it`);
    }),
  );
}

export async function label(
  session: Session,
  reference: string,
  changes: readonly string[],
  options: ByAuthor,
): Promise<void> {
  const client = await session.client();
  const labels = labelChanges(changes);
  const id = await agentId(client, reference);
  const author = await session.author(options.author);
  await done(session, await client.labelAgent({ id, body: { labels, author } }), 'labelled');
}

export interface PinOptions extends ByAuthor {
  readonly to: string;
  readonly reason: string;
  readonly expires?: string;
}

/** A time, or a length of time from now on. */
async function expiry(session: Session, text: string): Promise<string> {
  const { parseDuration } = await import('@flaghoist/fleet');
  const time = /^\d{4}-/.test(text) ? Date.parse(text) : session.now() + (parseDuration(text) ?? Number.NaN);
  if (Number.isNaN(time))
    throw new CliError(`--expires ${text}: give a duration such as 2h, or an RFC 3339 time`);
  return new Date(time).toISOString();
}

export async function pin(session: Session, reference: string, options: PinOptions): Promise<void> {
  const expires = options.expires === undefined ? undefined : await expiry(session, options.expires);
  const client = await session.client();
  const revision = await resolveReference(client, parseReference(options.to));
  const id = await agentId(client, reference);
  const author = await session.author(options.author);
  const agent = await client.pinAgent({ id, body: { ...revision, reason: options.reason, author, expires } });
  await done(session, agent, `pinned to ${options.to}`);
}

export async function unpin(session: Session, reference: string, options: ByAuthor): Promise<void> {
  const client = await session.client();
  const id = await agentId(client, reference);
  await done(
    session,
    await client.unpinAgent({ id, author: await session.author(options.author) }),
    'unpinned',
  );
}

export async function restart(session: Session, reference: string, options: ByAuthor): Promise<void> {
  const client = await session.client();
  const id = await agentId(client, reference);
  await session.confirm(`Restart the collector of ${reference}?`);
  await done(
    session,
    await client.restartAgent({ id, author: await session.author(options.author) }),
    'told to restart',
  );
}

export async function retry(session: Session, reference: string, options: ByAuthor): Promise<void> {
  const client = await session.client();
  const id = await agentId(client, reference);
  await done(
    session,
    await client.retryAgent({ id, author: await session.author(options.author) }),
    'offered again',
  );
}

export async function remove(session: Session, reference: string, options: ByAuthor): Promise<void> {
  const client = await session.client();
  const id = await agentId(client, reference);
  await session.confirm(
    `Forget ${reference} with its history? It comes back as a new agent when it connects.`,
  );
  await client.deleteAgent({ id, author: await session.author(options.author) });
  await printOne(session, { id }, { name: `agent/${id}`, text: () => `agent/${id} deleted\n` });
}

async function done(session: Session, agent: Agent | AgentDetail, what: string): Promise<void> {
  await printOne(session, agent, { name: `agent/${agent.id}`, text: () => `agent/${agent.id} ${what}\n` });
}

import type { Agent, Client, LedgerEntryView } from '@flaghoist/api';
import { command, type Given } from '../command.ts';
import { CliError, ExitCode } from '../exit-code.ts';
import { paint } from '../output/paint.ts';
import { type Kind, listing, print, tableOf } from '../output/print.ts';
import { renderFacts } from '../output/table.ts';
import { filesText } from '../output/text.ts';
import { agentId, revisionNamed } from '../references.ts';
import type { Session } from '../session.ts';
import { actOnMany } from './agent-many.ts';
import { EVENT } from './events.ts';

export const AGENT: Kind<Agent> = {
  name: ({ id }) => `agent/${id}`,
  columns: ['name', 'state', 'group', 'desired', ['reported', (one) => one.reported?.status], 'lastSeen', 'reason'],
  wide: ['id', 'instanceUid', 'version'],
};

const STEPS = ['offered', 'sent', 'applying', 'applied', 'proven', 'failed'] as const;

const LEDGER: Kind<LedgerEntryView> = {
  name: ({ revision }) => revision.hash,
  columns: [
    'revision',
    'phase',
    ['date', ({ offeredAt }) => offeredAt.slice(0, 10)],
    ...STEPS.map((step) => [step, (entry: LedgerEntryView) => entry[`${step}At`]?.slice(11, 19)] as const),
    ['verdict', verdict],
  ],
};

/** The last word on an entry: the agent's own, or ours. */
function verdict({ reason, errorMessage, effective }: LedgerEntryView): string {
  const said = reason === null ? [effective?.verdict, effective?.why] : [reason, errorMessage];
  return said.filter(Boolean).join(': ');
}

async function showAgent(session: Session, _: object, reference: string) {
  const { client, stdout } = session;
  const agent = await client.getAgent({ id: await agentId(client, reference) });
  const { ledger, name, state, reason, healthTree, components, ...others } = agent;
  // The labels are made of these.
  const { identifyingAttributes, nonIdentifyingAttributes, operatorLabels, ...facts } = others;
  return print(session, agent, [AGENT.name(agent)], () => {
    stdout.print(renderFacts({ name, state, reason, ...facts }, session.io.now()));
    if (ledger.length === 0) return;
    stdout.print(['', `${paint('bold', 'Ledger')} (UTC, newest first)`, ...tableOf(session, LEDGER, ledger)]);
  });
}

async function config(session: Session, { view = 'effective' }: Given<'view'>, reference: string): Promise<undefined> {
  const { client, stdout } = session;
  const found = await client.getAgentConfig({ id: await agentId(client, reference), view });
  if (found.files.length === 0) throw new CliError(`the agent has no ${view} config`, ExitCode.notFound);
  await print(session, found, [reference], () => stdout.foreign(filesText(found.files)));
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

type Act = (client: Client, id: string) => Promise<unknown>;

/** Does something with one agent and says so; asks `question` at a terminal first. */
async function act(session: Session, reference: string, call: Act, done: string, question?: string) {
  const { client, stdout } = session;
  const id = await agentId(client, reference);
  const name = `agent/${id}`;
  if (question !== undefined) await session.confirm(`${name}: ${question}`);
  const answer = (await call(client, id)) ?? { id };
  return print(session, answer, [name], () => stdout.print([`${name} ${done}`]));
}

/** Never one that is named and those of a selector: it would be one of them that was meant. @throws CliError */
function refuseBoth(agent: string | undefined): void {
  if (agent !== undefined) throw new CliError(`give either the agent ${agent} or -l SELECTOR, not both`);
}

/** @throws CliError */
function needsOne(agent: string | undefined): string {
  if (agent !== undefined) return agent;
  throw new CliError('say which agent: by id, instance uid or name; or many of them with -l SELECTOR');
}

async function label(session: Session, { author, selector }: Given<'author!' | 'selector'>, words: readonly string[]) {
  const agent = selector === undefined ? words[0] : undefined;
  const changes = selector === undefined ? words.slice(1) : words;
  const labels = labelChanges(changes);
  if (changes.length === 0) throw new CliError('say which labels: NAME=VALUE sets one, NAME- removes it');
  if (selector !== undefined)
    return actOnMany(session, selector, ['Label', 'labelled'], (client, chosen) =>
      client.labelAgents({ body: { ...chosen, labels, author } }),
    );
  const call = (client: Client, id: string) => client.labelAgent({ id, body: { labels, author } });
  return act(session, needsOne(agent), call, 'labelled');
}

type Pin = Given<'to!' | 'reason!' | 'expires' | 'author!' | 'selector'>;

async function pin(session: Session, { to, expires: lasts, selector, ...given }: Pin, agent?: string) {
  const expires = lasts === undefined ? undefined : new Date(session.io.now() + lasts).toISOString();
  const body = { ...given, expires, ...(await revisionNamed(session.client, to)) };
  if (selector !== undefined) refuseBoth(agent);
  if (selector !== undefined)
    return actOnMany(session, selector, [`Pin to ${to}`, `pinned to ${to}`], (client, chosen) =>
      client.pinAgents({ body: { ...chosen, ...body } }),
    );
  return act(session, needsOne(agent), (client, id) => client.pinAgent({ id, body }), `pinned to ${to}`);
}

/** Acts that need no more than who does them: on one agent, and on many. */
const MANY = [
  ['unpin', 'give it back to its group', 'unpinAgent', 'unpinAgents', 'unpinned'],
  ['restart', 'restart its collector', 'restartAgent', 'restartAgents', 'told to restart', 'restart its collector?'],
  ['retry', 'offer it again what it refused', 'retryAgent', 'retryAgents', 'offered again'],
] as const;

const FORGET = 'forget it with its history? It comes back as a new agent when it connects.';
const ACTS = [
  ['approve', 'let it in: it waits, or is in quarantine', 'approveAgent', 'approved'],
  ['delete', 'forget it', 'deleteAgent', 'deleted', FORGET],
] as const;

const listAgents = listing(AGENT, (client, page) => client.listAgents(page));
const timeline = listing(EVENT, async (client, page, agent) =>
  client.getAgentTimeline({ ...page, id: await agentId(client, agent) }),
);

export const agentCommands = [
  command('list', 'list agents', ['group', 'agentState', 'q', 'selector'], listAgents),
  command('show <agent>', 'show an agent with its ledger', [], showAgent),
  command('config <agent>', 'show its configuration', ['view'], config),
  command('timeline <agent>', 'show what happened to it', [], timeline),
  command('label <words...>', 'set labels (AGENT a=b) or remove them (AGENT a-)', ['selector', 'author!'], label),
  command('pin [agent]', 'push a revision to it alone', ['to!', 'reason!', 'expires', 'selector', 'author!'], pin),
  ...MANY.map(([verb, about, method, forMany, done, question]) =>
    command(
      `${verb} [agent]`,
      about,
      ['selector', 'author!'],
      (session, { author, selector }: Given<'author!' | 'selector'>, agent?: string) => {
        const words = [`${verb.charAt(0).toUpperCase()}${verb.slice(1)}`, done] as const;
        if (selector !== undefined) refuseBoth(agent);
        if (selector !== undefined)
          return actOnMany(session, selector, words, (client, chosen) =>
            client[forMany]({ body: { ...chosen, author } }),
          );
        return act(session, needsOne(agent), (client, id) => client[method]({ id, author }), done, question);
      },
    ),
  ),
  ...ACTS.map(([verb, about, method, done, question]) =>
    command(`${verb} <agent>`, about, ['author!'], (session, { author }: Given<'author!'>, agent: string) =>
      act(session, agent, (client, id) => client[method]({ id, author }), done, question),
    ),
  ),
];

import type { Handlers, InputOf } from '@flaghoist/api';
import {
  type Agent,
  type ConfigFiles,
  FleetError,
  type LedgerEntry,
  labelsOf,
  matches,
  nameOf,
  parseSelector,
  retry,
  standing,
  strategyNamed,
  unassign,
} from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import type { ControlPlane } from '../control-plane.ts';
import { underPin } from '../reconciler/settle.ts';
import { historyPage, historyStart, pageOf } from './pages.ts';
import { agentDetailView, agentView, eventView, timeOrNull } from './views.ts';

type AgentOperation =
  | 'listAgents'
  | 'listGroupAgents'
  | 'getAgent'
  | 'labelAgent'
  | 'deleteAgent'
  | 'getAgentConfig'
  | 'getAgentTimeline'
  | 'pinAgent'
  | 'unpinAgent'
  | 'restartAgent'
  | 'retryAgent';

export const ANONYMOUS = 'anonymous';
/** Ledger entries shown of one agent. */
const LEDGER_SHOWN = 50;

/** @throws FleetError `not-found`. */
function memberOf({ roster }: ControlPlane, id: string): Member {
  const member = roster.find(id);
  if (member === undefined)
    throw new FleetError('not-found', `no agent has the id or instance uid ${JSON.stringify(id)}`);
  return member;
}

const sortKey = ({ agent }: Member): string => `${nameOf(agent.identity)} ${agent.identity.id}`;

function listAgents({ roster, groups }: ControlPlane, filter: InputOf<'listAgents'>) {
  const selector = parseSelector(filter.selector ?? '');
  const q = filter.q?.toLowerCase();
  if (filter.group !== undefined) groups.get(filter.group);
  const members = filter.group === undefined ? roster.all() : roster.inGroup(filter.group);
  const found: { member: Member; key: string }[] = [];
  for (const member of members) {
    const { identity } = member.agent;
    if (filter.state !== undefined && standing(member.agent, member.presence).state !== filter.state) continue;
    if (!matches(selector, labelsOf(identity))) continue;
    const key = sortKey(member);
    if (q !== undefined && !`${key} ${identity.instanceUid}`.toLowerCase().includes(q)) continue;
    found.push({ member, key });
  }
  found.sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = pageOf(found, filter, ({ key }) => key);
  return { ...page, items: page.items.map(({ member }) => agentView(member)) };
}

const filesView = (files: ConfigFiles) =>
  Object.entries(files).map(([name, { body, contentType }]) => ({
    name,
    body,
    contentType,
    bytes: Buffer.byteLength(body),
  }));

async function configOf(plane: ControlPlane, { agent }: Member, view: 'desired' | 'offered' | 'effective') {
  const { store, effective } = plane;
  if (view === 'effective') {
    const reported = agent.report.effective;
    const bodies = reported === null ? {} : await effective.bodies(reported);
    const files = (reported?.files ?? []).map(({ name, contentType, bytes }) => ({
      name,
      contentType,
      bytes,
      body: bodies[name] ?? null,
    }));
    return { view, revision: null, at: timeOrNull(reported?.at), files };
  }
  const entries = await store.ledger(agent.identity.id, LEDGER_SHOWN);
  const entry = view === 'offered' ? entries.find(({ sentAt }) => sentAt !== null) : agent.ledger;
  const files = entry == null ? null : await store.files(entry.revision.hash);
  const at = timeOrNull(view === 'offered' ? entry?.sentAt : entry?.offeredAt);
  return { view, revision: entry?.revision ?? null, at, files: filesView(files ?? {}) };
}

/** Puts the changed agent in its place and answers when that is durable. */
async function change(plane: ControlPlane, member: Member, agent: Agent) {
  plane.roster.update(member, agent);
  await plane.reconciler.flush();
  return agentView(member);
}

async function pin(plane: ControlPlane, input: InputOf<'pinAgent'>) {
  memberOf(plane, input.id);
  const { configuration, reason, author = ANONYMOUS, expires } = input.body;
  const { hash, revision } = plane.configurations.ref(configuration, input.body.revision);
  await plane.offers.fetch(hash);
  // Others were served meanwhile: agent and revision may be gone.
  const member = memberOf(plane, input.id);
  const target = plane.configurations.ref(configuration, revision);
  const { agent } = member;
  if (agent.assignment.refused.some(({ hash }) => hash === target.hash)) {
    throw new FleetError(
      'refused-hash',
      `this agent refused ${configuration}@${target.revision} before; retry it to offer it again`,
    );
  }
  const now = plane.now();
  const until = expires === undefined ? null : Date.parse(expires);
  if (until !== null && until <= now)
    throw new FleetError('invalid', `expires: ${expires} has passed; give a later time, or none`);
  const set = {
    configuration,
    revision,
    reason,
    author,
    at: now,
    expires: until,
  };
  plane.journal.record('agent.pinned', author, `agent/${agent.identity.id}`, { ...target, reason });
  const { terms } = strategyNamed('all-at-once');
  return change(plane, member, underPin({ ...agent, identity: { ...agent.identity, pin: set } }, target, terms, now));
}

async function unpin(plane: ControlPlane, input: InputOf<'unpinAgent'>) {
  const member = memberOf(plane, input.id);
  const { agent } = member;
  if (agent.identity.pin === null) return agentView(member);
  plane.journal.record('agent.unpinned', input.author ?? ANONYMOUS, `agent/${agent.identity.id}`, {});
  return change(plane, member, unassign({ ...agent, identity: { ...agent.identity, pin: null } }));
}

async function label(plane: ControlPlane, input: InputOf<'labelAgent'>) {
  const member = memberOf(plane, input.id);
  const { identity } = member.agent;
  const operatorLabels: Record<string, string> = Object.assign(Object.create(null), identity.operatorLabels);
  for (const [key, value] of Object.entries(input.body.labels)) {
    if (value === null) delete operatorLabels[key];
    else operatorLabels[key] = value;
  }
  plane.journal.record('agent.labelled', input.body.author ?? ANONYMOUS, `agent/${identity.id}`, {
    labels: input.body.labels,
  });
  return change(plane, member, { ...member.agent, identity: { ...identity, operatorLabels } });
}

async function restart(plane: ControlPlane, input: InputOf<'restartAgent'>) {
  const member = memberOf(plane, input.id);
  const refusal = plane.gateway.restart(member);
  if (refusal === 'capability')
    throw new FleetError('not-supported', 'the agent does not accept restart commands (AcceptsRestartCommand)');
  if (refusal === 'offline')
    throw new FleetError('conflict', 'the agent is not connected; a restart command is never kept for later');
  plane.journal.record('agent.restarted', input.author ?? ANONYMOUS, `agent/${member.agent.identity.id}`, {});
  await plane.reconciler.flush();
  return agentView(member);
}

/** Its last word is APPLYING, on the connection on which it was sent: a resend would be answered falsely (real agents). */
const isStillApplying = ({ agent: { report, ledger }, presence }: Member): boolean =>
  report.reported?.status === 'APPLYING' &&
  report.reported.hash === ledger?.revision.hash &&
  presence.epoch === ledger.sentEpoch;

async function retryAgent(plane: ControlPlane, input: InputOf<'retryAgent'>) {
  const member = memberOf(plane, input.id);
  if (member.agent.ledger?.phase !== 'failed') {
    throw new FleetError('conflict', 'nothing to retry: what this agent should run has not failed');
  }
  if (isStillApplying(member)) {
    throw new FleetError(
      'conflict',
      'the agent still says APPLYING: sent again now, it would answer APPLIED whether it works or not; restart the agent, then retry',
    );
  }
  plane.journal.record('agent.retried', input.author ?? ANONYMOUS, `agent/${member.agent.identity.id}`, {
    ...member.agent.assignment.desired,
  });
  return change(plane, member, retry(member.agent, plane.now()));
}

async function remove(plane: ControlPlane, input: InputOf<'deleteAgent'>): Promise<void> {
  const member = memberOf(plane, input.id);
  const { id, instanceUid } = member.agent.identity;
  plane.roster.remove(member);
  plane.journal.record('agent.deleted', input.author ?? ANONYMOUS, `agent/${id}`, { instanceUid });
  await plane.reconciler.flush();
}

async function timeline({ store, ...plane }: ControlPlane, { id, limit, cursor }: InputOf<'getAgentTimeline'>) {
  const subject = `agent/${memberOf({ store, ...plane }, id).agent.identity.id}`;
  const events = await store.events({ after: historyStart(cursor), limit, subject });
  return historyPage(events.map(eventView), limit);
}

/** The stored entries under the present one: the answer is of one moment, whatever was committed since it was read. */
const withPresent = (past: readonly LedgerEntry[], present: LedgerEntry | null): LedgerEntry[] =>
  present === null ? [...past] : [present, ...past.filter(({ generation }) => generation !== present.generation)];

export const agentHandlers = (plane: ControlPlane): Pick<Handlers<void>, AgentOperation> => ({
  listAgents: async (input) => listAgents(plane, input),
  listGroupAgents: async ({ name, ...input }) => listAgents(plane, { ...input, group: name }),
  getAgent: async ({ id }) => {
    const { agent } = memberOf(plane, id);
    const past = await plane.store.ledger(agent.identity.id, LEDGER_SHOWN);
    const member = memberOf(plane, id);
    return agentDetailView(member, withPresent(past, member.agent.ledger));
  },
  labelAgent: (input) => label(plane, input),
  deleteAgent: (input) => remove(plane, input),
  getAgentConfig: ({ id, view }) => configOf(plane, memberOf(plane, id), view),
  getAgentTimeline: (input) => timeline(plane, input),
  pinAgent: (input) => pin(plane, input),
  unpinAgent: (input) => unpin(plane, input),
  restartAgent: (input) => restart(plane, input),
  retryAgent: (input) => retryAgent(plane, input),
});

import type { Handlers, InputOf } from '@flaghoist/api';
import { approved, FleetError, found, labelsOf, matches, nameOf, parseSelector, standing } from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import type { ControlPlane } from '../control-plane.ts';
import { type Act, agentActs, manyHandlers } from './agent-acts.ts';
import { agentPlaces, type Restarts } from './agent-places.ts';
import { agentDetailView, agentView } from './agent-views.ts';
import { historyPage, pageOf } from './pages.ts';

export function agentHandlers(plane: ControlPlane) {
  const { configurations, effective, groups, journal, now, offers, reconciler, roster, store } = plane;
  const restarts: Restarts = new Map();
  const acts = agentActs({ ...plane, restarts });
  const { checkPlace } = agentPlaces(plane, restarts);

  /** @throws FleetError `not-found`. */
  const memberOf = (id: string): Member =>
    found(roster.find(id), `no agent has the id or instance uid ${JSON.stringify(id)}`);

  /** Records what an author did to an agent and what it is now; answers when that is durable. */
  async function record(member: Member, author: string, { kind, data, changed }: Act) {
    journal.record(kind, `agent/${member.agent.identity.id}`, { ...data }, author);
    roster.update(member, changed);
    await reconciler.flush();
    return agentView(member);
  }

  async function listAgents({ selector = '', q = '', group, state, ...paging }: InputOf<'listAgents'>) {
    const selected = parseSelector(selector);
    const part = q.toLowerCase();
    const sortKey = ({ agent: { identity } }: Member): string => `${nameOf(identity)} ${identity.id}`;
    const isWanted = (member: Member): boolean => {
      const { identity } = member.agent;
      if (state !== undefined && standing(member.agent, member.presence).state !== state) return false;
      if (!matches(selected, labelsOf(identity))) return false;
      return part === '' || `${sortKey(member)} ${identity.instanceUid}`.toLowerCase().includes(part);
    };
    const members = group === undefined ? roster.all() : roster.inGroup(groups.get(group).name);
    return pageOf([...members].filter(isWanted), paging, sortKey, agentView);
  }

  async function effectiveConfig({ agent: { report } }: Member) {
    const { at = null, files = [] } = report.effective ?? {};
    const bodies = report.effective === null ? {} : await effective.bodies(report.effective);
    return { revision: null, at, files: files.map((file) => ({ ...file, body: bodies[file.name] ?? null })) };
  }

  async function assignedConfig({ agent }: Member, view: 'desired' | 'offered') {
    const sent = async () => (await store.ledger(agent.identity.id)).find(({ sentAt }) => sentAt !== null) ?? null;
    const entry = view === 'offered' ? await sent() : agent.ledger;
    if (entry === null) return { revision: null, at: null, files: [] };
    const files = Object.entries((await store.files(entry.revision.hash)) ?? {});
    return {
      revision: entry.revision,
      at: view === 'offered' ? entry.sentAt : entry.offeredAt,
      files: files.map(([name, file]) => ({ name, ...file, bytes: Buffer.byteLength(file.body) })),
    };
  }

  return {
    listAgents,

    listGroupAgents: ({ name, ...filter }) => listAgents({ ...filter, group: name }),

    getAgent: async ({ id }) => {
      const past = await store.ledger(memberOf(id).agent.identity.id);
      // Whatever was committed meanwhile: the answer is of one moment.
      return agentDetailView(memberOf(id), past);
    },

    getAgentConfig: async ({ id, view }) => {
      const member = memberOf(id);
      return { view, ...(await (view === 'effective' ? effectiveConfig(member) : assignedConfig(member, view))) };
    },

    getAgentTimeline: async ({ id, ...paging }) => {
      const subject = `agent/${memberOf(id).agent.identity.id}`;
      return historyPage(paging, (page) => store.events({ ...page, subject }));
    },

    ...manyHandlers(plane, restarts),

    labelAgent: async ({ id, body: { labels, author } }) => {
      const member = memberOf(id);
      return record(member, author, acts.label(member, labels));
    },

    deleteAgent: async ({ id: idOrUid, author }) => {
      const member = memberOf(idOrUid);
      const { id, instanceUid } = member.agent.identity;
      roster.remove(member, now());
      journal.record('agent.deleted', `agent/${id}`, { instanceUid }, author);
      await reconciler.flush();
    },

    pinAgent: async ({ id, body: { revision: which, ...body } }) => {
      const { hash, revision } = configurations.ref(body.configuration, which);
      await offers.fetch(hash);
      // Others were served meanwhile: the revision may be gone.
      const member = memberOf(id);
      checkPlace(member);
      return record(member, body.author, acts.pin(member, configurations.ref(body.configuration, revision), body));
    },

    unpinAgent: async ({ id, author }) => {
      const member = memberOf(id);
      const act = acts.unpin(member);
      return act === undefined ? agentView(member) : record(member, author, act);
    },

    restartAgent: async ({ id, author }) => {
      const member = memberOf(id);
      checkPlace(member);
      return record(member, author, acts.restart(member));
    },

    approveAgent: async ({ id, author }) => {
      const member = memberOf(id);
      const { admission } = member.agent.identity;
      if (admission === 'open') return agentView(member);
      if (admission === 'revoked')
        throw new FleetError('conflict', 'this agent was revoked: delete it, and it can enrol anew');
      return record(member, author, {
        kind: 'agent.approved',
        data: { from: admission },
        changed: approved(member.agent),
      });
    },

    retryAgent: async ({ id, author }) => {
      const member = memberOf(id);
      checkPlace(member);
      return record(member, author, acts.retry(member, author));
    },
  } satisfies Partial<Handlers>;
}

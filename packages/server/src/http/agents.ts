import type { Handlers, InputOf } from '@flaghoist/api';
import {
  type Agent,
  approved,
  FleetError,
  found,
  labelsOf,
  matches,
  nameOf,
  parseSelector,
  pin,
  retry,
  standing,
  strategyNamed,
  unpin,
} from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { EventKind } from '../events/journal-event.ts';
import { agentDetailView, agentView } from './agent-views.ts';
import { historyPage, pageOf } from './pages.ts';

/** Its last word is APPLYING, on the connection on which it was sent: a resend would be answered falsely (real agents). */
const isStillApplying = ({ agent: { report, ledger }, presence }: Member): boolean =>
  report.reported?.status === 'APPLYING' &&
  report.reported.hash === ledger?.revision.hash &&
  presence.epoch === ledger.sentEpoch;

export function agentHandlers(plane: ControlPlane) {
  const { configurations, effective, gateway, groups, journal, now, offers, reconciler, roster, store } = plane;

  /** @throws FleetError `not-found`. */
  const memberOf = (id: string): Member =>
    found(roster.find(id), `no agent has the id or instance uid ${JSON.stringify(id)}`);

  /** Records what an author did to an agent and what it is now; answers when that is durable. */
  async function act(member: Member, kind: EventKind, author: string, data: object, changed: Agent = member.agent) {
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

    labelAgent: async ({ id, body: { labels, author } }) => {
      const member = memberOf(id);
      const { identity } = member.agent;
      const kept = Object.entries({ ...identity.operatorLabels, ...labels }).filter(([, value]) => value !== null);
      const operatorLabels = Object.fromEntries(kept) as Record<string, string>;
      const labelled = { ...member.agent, identity: { ...identity, operatorLabels } };
      return act(member, 'agent.labelled', author, { labels }, labelled);
    },

    deleteAgent: async ({ id: idOrUid, author }) => {
      const member = memberOf(idOrUid);
      const { id, instanceUid } = member.agent.identity;
      roster.remove(member, now());
      journal.record('agent.deleted', `agent/${id}`, { instanceUid }, author);
      await reconciler.flush();
    },

    pinAgent: async ({ id, body: { configuration, reason, author, expires = null, ...body } }) => {
      const { hash, revision } = configurations.ref(configuration, body.revision);
      await offers.fetch(hash);
      // Others were served meanwhile: the revision may be gone.
      const member = memberOf(id);
      const target = configurations.ref(configuration, revision);
      const { agent } = member;
      if (agent.assignment.refused.some(({ hash }) => hash === target.hash)) {
        throw new FleetError(
          'refused-hash',
          `this agent refused ${configuration}@${revision} before; retry it to offer it again`,
        );
      }
      const at = now();
      if (expires !== null && expires <= at) {
        const passed = new Date(expires).toISOString();
        throw new FleetError('invalid', `expires: ${passed} has passed; give a later time, or none`);
      }
      const { terms } = strategyNamed('all-at-once');
      const pinned = pin(agent, { configuration, revision, reason, author, at, expires }, target, terms);
      return act(member, 'agent.pinned', author, { ...target, reason }, pinned);
    },

    unpinAgent: async ({ id, author }) => {
      const member = memberOf(id);
      const { agent } = member;
      if (agent.identity.pin === null) return agentView(member);
      return act(member, 'agent.unpinned', author, {}, unpin(agent, now()));
    },

    restartAgent: async ({ id, author }) => {
      const member = memberOf(id);
      const refusal = gateway.say(member, 'restart');
      if (refusal === 'capability')
        throw new FleetError('not-supported', 'the agent does not accept restart commands (AcceptsRestartCommand)');
      if (refusal === 'offline')
        throw new FleetError('conflict', 'the agent is not connected; a restart command is never kept for later');
      return act(member, 'agent.restarted', author, {});
    },

    approveAgent: async ({ id, author }) => {
      const member = memberOf(id);
      const { admission } = member.agent.identity;
      if (admission === 'open') return agentView(member);
      if (admission === 'revoked')
        throw new FleetError('conflict', 'this agent was revoked: delete it, and it can enrol anew');
      return act(member, 'agent.approved', author, { from: admission }, approved(member.agent));
    },

    retryAgent: async ({ id, author }) => {
      const member = memberOf(id);
      if (member.agent.ledger?.phase !== 'failed')
        throw new FleetError('conflict', 'nothing to retry: what this agent should run has not failed');
      if (isStillApplying(member))
        throw new FleetError(
          'conflict',
          'the agent still says APPLYING: sent again now, it would answer APPLIED whether it works or not; restart the agent, then retry',
        );
      return act(member, 'agent.retried', author, member.agent.ledger.revision, retry(member.agent, now()));
    },
  } satisfies Partial<Handlers>;
}

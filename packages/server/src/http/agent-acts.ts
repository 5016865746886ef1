/** What people do to agents: to one, or to many by the same acts, as many at a time as their groups have places for (I7). */
import type { Handlers, InputOf } from '@flaghoist/api';
import { ApiError } from '@flaghoist/api';
import * as fleet from '@flaghoist/fleet';
import type { Member } from '../agents/roster.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { EventKind } from '../events/journal-event.ts';
import { agentPlaces, type Restarts } from './agent-places.ts';
import { toApiError } from './api-error.ts';

/** An act as it is written down, with what the agent is after it. */
export interface Act {
  readonly kind: EventKind;
  readonly data: object;
  readonly changed: fleet.Agent;
}

type Pinning = Pick<fleet.Pin, 'reason' | 'author'> & { readonly expires?: fleet.Instant | null | undefined };

export function agentActs({ gateway, now, restarts, rollouts }: ControlPlane & { readonly restarts: Restarts }) {
  return {
    label({ agent }: Member, labels: Readonly<Record<string, string | null>>): Act {
      const { identity } = agent;
      const kept = Object.entries({ ...identity.operatorLabels, ...labels }).filter(([, value]) => value !== null);
      const operatorLabels = Object.fromEntries(kept) as Record<string, string>;
      return {
        kind: 'agent.labelled',
        data: { labels },
        changed: { ...agent, identity: { ...identity, operatorLabels } },
      };
    },

    /** @throws FleetError `refused-hash`, `invalid`. */
    pin({ agent }: Member, target: fleet.RevisionRef, { reason, author, expires = null }: Pinning): Act {
      const { configuration, revision } = target;
      if (fleet.refusalOf(agent, target.hash) !== undefined) {
        const what = `this agent refused ${configuration}@${revision} before; retry it to offer it again`;
        throw new fleet.FleetError('refused-hash', what);
      }
      const at = now();
      if (expires !== null && expires <= at) {
        const passed = new Date(expires).toISOString();
        throw new fleet.FleetError('invalid', `expires: ${passed} has passed; give a later time, or none`);
      }
      const { terms } = fleet.strategyNamed('all-at-once');
      const changed = fleet.pin(agent, { configuration, revision, reason, author, at, expires }, target, terms);
      return { kind: 'agent.pinned', data: { ...target, reason }, changed };
    },

    /** Undefined when it has none. */
    unpin({ agent }: Member): Act | undefined {
      if (agent.identity.pin === null) return undefined;
      return { kind: 'agent.unpinned', data: {}, changed: fleet.unpin(agent, now()) };
    },

    /** Says it at once. @throws FleetError `not-supported`, `conflict`. */
    restart(member: Member): Act {
      const refusal = gateway.say(member, 'restart');
      if (refusal === 'capability')
        throw new fleet.FleetError(
          'not-supported',
          'the agent does not accept restart commands (AcceptsRestartCommand)',
        );
      if (refusal === 'offline')
        throw new fleet.FleetError('conflict', 'the agent is not connected; a restart command is never kept for later');
      restarts.set(member, now());
      return { kind: 'agent.restarted', data: {}, changed: member.agent };
    },

    /** While its rollout is active that one asks it, and hears what comes of it. @throws FleetError `conflict`. */
    retry(member: Member, author: string): Act {
      const { agent, presence } = member;
      const { id } = agent.identity;
      const revision = fleet.retriable(agent);
      if (revision === undefined)
        throw new fleet.FleetError('conflict', 'nothing to retry: the agent has not failed, or is on its way back');
      if (fleet.isStillApplying(agent, presence))
        throw new fleet.FleetError('conflict', `the agent ${fleet.STILL_APPLYING}`);
      const its = rollouts
        .running()
        .find(({ target, targets }) => target.hash === revision.hash && fleet.mayBeRetried(targets.get(id)));
      if (its !== undefined) rollouts.ask(its.id, { verb: 'retry', agents: [id] }, now(), author);
      const changed = its === undefined ? fleet.retry(agent, now()) : member.agent;
      return { kind: 'agent.retried', data: revision, changed };
    },
  };
}

/** Acts on many agents: who is meant, and who of them has a place. */
function manyAgents(plane: ControlPlane, restarts: Restarts) {
  const { groups, journal, reconciler, roster, strategies } = plane;
  const { isBusy, placesOf } = agentPlaces(plane, restarts);
  const named = ({ agent: { identity } }: Member) => ({ agent: identity.id, name: fleet.nameOf(identity) });

  /** @throws ApiError `conflict` when they are not as many as was expected; FleetError `not-found`. */
  function chosen({ selector, expected, agents }: Omit<InputOf<'restartAgents'>['body'], 'author'>): Member[] {
    if (agents !== undefined)
      return agents.map((id) => fleet.found(roster.find(id), `no agent is ${JSON.stringify(id)}`));
    const wanted = fleet.parseSelector(selector ?? '');
    const found = [...roster.all()].filter(({ agent }) => fleet.matches(wanted, fleet.labelsOf(agent.identity)));
    if (found.length === expected) return found;
    const what = `${selector} selects ${found.length} agents, and ${expected} were expected: look again`;
    throw new ApiError('conflict', `nothing was done: ${what}`);
  }

  const answer = (
    done: readonly Member[],
    refused: readonly { member: Member; error: unknown }[],
    waiting: readonly Member[],
  ) => ({
    done: done.map(named),
    refused: refused.map(({ member, error }) => {
      const { code, message } = toApiError(error);
      return { ...named(member), code, message };
    }),
    waiting: waiting.map(({ agent }) => agent.identity.id),
  });

  return {
    chosen,

    /** Does it to those that have a place. @throws ApiError `no-place` when nobody of them has. */
    async each(members: readonly Member[], author: string, act: (member: Member) => Act | undefined) {
      const places = new Map<string | null, number>();
      const [done, waiting]: [Member[], Member[]] = [[], []];
      const refused: { member: Member; error: unknown }[] = [];
      for (const member of members) {
        const group = member.agent.identity.group?.name ?? null;
        const free = places.get(group) ?? placesOf(group);
        places.set(group, free);
        if (free === 0 || isBusy(member)) {
          waiting.push(member);
          continue;
        }
        try {
          const acted = act(member);
          if (acted !== undefined) {
            journal.record(acted.kind, `agent/${member.agent.identity.id}`, { ...acted.data }, author);
            roster.update(member, acted.changed);
            places.set(group, free - 1);
          }
          done.push(member);
        } catch (error) {
          refused.push({ member, error });
        }
      }
      await reconciler.flush();
      if (done.length + refused.length > 0 || waiting.length === 0) return answer(done, refused, waiting);
      const what = `${waiting.length} agents wait: their groups have no place now`;
      throw new ApiError(
        'no-place',
        `${what}; rollouts, pins, retries and restarts share maxInFlight: ask again in a while`,
      );
    },

    /** Labels take no place; they must not move more agents than may be in flight. @throws FleetError `conflict`. */
    async label(members: readonly Member[], author: string, act: (member: Member) => Act) {
      const acts = new Map(members.map((member) => [member, act(member)]));
      const edited = Array.from(roster.all(), (member) => ({
        agent: member.agent,
        identity: acts.get(member)?.changed.identity ?? member.agent.identity,
      }));
      fleet.refuseUnstaged(edited, groups.groupOf, (name) => {
        const group = groups.get(name);
        return { stable: group.stable, strategy: strategies.resolve(group.strategy) };
      });
      for (const [member, { kind, data, changed }] of acts) {
        journal.record(kind, `agent/${member.agent.identity.id}`, { ...data }, author);
        roster.update(member, changed);
      }
      await reconciler.flush();
      return answer(members, [], []);
    },
  };
}

export function manyHandlers(plane: ControlPlane, restarts: Restarts) {
  const { configurations, groups, offers } = plane;
  /** One agent may be given it on purpose; many are a rollout (I9). @throws FleetError `conflict`. */
  function refuseCondemned({ agent }: Member, { configuration, revision, hash }: fleet.RevisionRef): void {
    const group = groups.find(agent.identity.group?.name ?? '');
    if (group?.condemned.includes(hash))
      throw new fleet.FleetError('conflict', `${configuration}@${revision} was condemned for group ${group.name}`);
  }
  const acts = agentActs({ ...plane, restarts });
  const many = manyAgents(plane, restarts);
  return {
    labelAgents: ({ body: { labels, author, ...asked } }) =>
      many.label(many.chosen(asked), author, (member) => acts.label(member, labels)),

    pinAgents: async ({ body: { configuration, revision: which, reason, author, expires, ...asked } }) => {
      const { hash, revision } = configurations.ref(configuration, which);
      await offers.fetch(hash);
      const target = configurations.ref(configuration, revision);
      const pinning = { reason, author, expires };
      return many.each(many.chosen(asked), author, (member) => {
        refuseCondemned(member, target);
        return acts.pin(member, target, pinning);
      });
    },

    unpinAgents: async ({ body: { author, ...asked } }) => many.each(many.chosen(asked), author, acts.unpin),

    restartAgents: async ({ body: { author, ...asked } }) => many.each(many.chosen(asked), author, acts.restart),

    retryAgents: async ({ body: { author, ...asked } }) =>
      many.each(many.chosen(asked), author, (member) => acts.retry(member, author)),
  } satisfies Partial<Handlers>;
}

import type { Handlers } from '@flaghoist/api';
import * as fleet from '@flaghoist/fleet';
import { randomId } from '../clock.ts';
import type { ControlPlane } from '../control-plane.ts';
import { onceOnly } from './once.ts';
import { descending, historyPage, pageOf } from './pages.ts';
import { checkStart, planner, planView } from './plans.ts';
import { rolloutViews } from './rollout-views.ts';

/** Events that only say how agents get on; the others are decisions. */
const NO_DECISIONS: ReadonlySet<string> = new Set<fleet.RolloutEvent['type']>(['admitted', 'observed', 'reverting']);

/** Does it for each, as far as that can be. @throws FleetError the first refusal, when it can be for none. */
function asMany<T>(all: readonly T[], act: (one: T) => void): void {
  const refusals: fleet.FleetError[] = [];
  for (const one of all) {
    try {
      act(one);
    } catch (error) {
      if (!(error instanceof fleet.FleetError)) throw error;
      refusals.push(error);
    }
  }
  if (refusals.length === all.length && refusals[0] !== undefined) throw refusals[0];
}

export function rolloutHandlers(plane: ControlPlane) {
  const { machine, now, offers, reconciler, rollouts, roster, store } = plane;
  const once = onceOnly(plane);
  const { view, detail, targets, targetView, examplesOf } = rolloutViews(plane);
  const prepare = planner(plane);

  /** Asks it of that rollout, or of all of a push to several groups that go on and can do it; answers when that is durable. */
  async function askAll(id: string, asked: fleet.Verb, author: string, seen?: readonly fleet.Seen[]) {
    const family = rollouts.family(id);
    const going = family.filter(({ state }) => !fleet.TERMINAL.has(state));
    const at = now();
    asMany(going.length > 0 ? going : family, (one) => {
      if (seen !== undefined) fleet.checkSeen(one, seen);
      rollouts.ask(one.id, asked, at, author);
    });
    await reconciler.flush();
    return { rollouts: family.map((one) => view(rollouts.summary(one.id))) };
  }

  return {
    planRollout: async ({ body }) => {
      const planned = (await prepare(body))({});
      return { plans: planned.map((one) => planView(one, examplesOf)) };
    },

    /** All rollouts of the request, or none. */
    startRollout: (request) =>
      once('rollout', request, async () => {
        const { body } = request;
        const plan = await prepare(body);
        return () => {
          const planned = plan(body);
          for (const { request } of planned) rollouts.checkFree(request.group, body.supersede);
          checkStart(planned, body);
          const at = now();
          for (const one of planned) rollouts.start(one.plan, at);
          return { rollouts: planned.map(({ request }) => view(rollouts.summary(request.id))) };
        };
      }),

    listRollouts: async ({ group, state, parent, ...paging }) =>
      pageOf(
        rollouts
          .all()
          .filter((row) => (group ?? row.group) === row.group && (state ?? row.state) === row.state)
          .filter((row) => parent === undefined || parent === row.parent),
        paging,
        ({ createdAt, id }) => `${descending(createdAt)} ${id}`,
        view,
      ),

    getRollout: ({ id }) => detail(id),

    listRolloutTargets: async ({ id, state, ...paging }) => {
      // Whoever failed is found as that, also when it was taken back since.
      const is = (target: { state: string; reason: string | null }) =>
        target.state === state || (state === 'failed' && fleet.FAILURE_REASONS.some((one) => one === target.reason));
      const all = (await targets(id)).filter((target) => state === undefined || is(target));
      const page = pageOf(all, paging, ({ agent }) => agent, targetView);
      return { ...page, items: await Promise.all(page.items) };
    },

    pauseRollout: ({ id, body: { message, author } }) => askAll(id, { verb: 'pause', message }, author),

    resumeRollout: ({ id, body: { author, seen } }) => askAll(id, { verb: 'resume' }, author, seen),

    promoteRollout: ({ id, body: { author, seen } }) => askAll(id, { verb: 'promote' }, author, seen),

    stopRollout: ({ id, body: { author, ...body } }) => askAll(id, { verb: 'stop', ...body }, author),

    retryRollout: ({ id, body: { agents, author } }) => {
      const ids = agents.map((agent) => fleet.found(roster.find(agent), `no agent is ${agent}`).agent.identity.id);
      return askAll(id, { verb: 'retry', agents: ids }, author);
    },

    /** Those that go on go back; those that have finished are taken back by another rollout. */
    rollbackRollout: async ({ id, body: { author, message, atOnce } }) => {
      const family = rollouts.family(id);
      for (const { state, from } of family) if (state === 'succeeded' && from !== null) await offers.fetch(from.hash);
      const at = now();
      const changed: string[] = [];
      asMany(family, (one) => {
        const back = one.state === 'succeeded' ? randomId('r', machine) : one.id;
        if (back === one.id) rollouts.ask(one.id, { verb: 'rollback', message, atOnce }, at, author);
        else rollouts.goBack(one, { id: back, seed: randomId('r', machine), author, message }, at);
        changed.push(back);
      });
      await reconciler.flush();
      return { rollouts: changed.map((one) => view(rollouts.summary(one))) };
    },

    listRolloutEvents: async ({ id, kind, ...paging }) => {
      rollouts.summary(id);
      // Whoever was told of a decision finds it.
      await reconciler.flush();
      return historyPage(paging, async ({ after, limit }) => {
        const log = await store.rolloutLog(id);
        const isWanted = (type: string) => kind === undefined || !NO_DECISIONS.has(type);
        const told = log.filter(({ version, event }) => version > after && isWanted(event.type)).slice(0, limit);
        return told.map(({ version, at, author, event }) => ({
          seq: version,
          at,
          author,
          kind: event.type,
          data: { ...event },
        }));
      });
    },
  } satisfies Partial<Handlers>;
}

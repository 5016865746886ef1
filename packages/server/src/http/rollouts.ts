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

export function rolloutHandlers(plane: ControlPlane) {
  const { machine, now, offers, reconciler, rollouts, roster, store } = plane;
  const once = onceOnly(plane);
  const { view, detail, targets, targetView, examplesOf } = rolloutViews(plane);
  const prepare = planner(plane);

  /** Asks it of that rollout, or of all of a push to several groups that go on; answers when that is durable. */
  async function askAll(id: string, asked: fleet.Verb, author: string) {
    const family = rollouts.family(id);
    const going = family.filter(({ state }) => !fleet.TERMINAL.has(state));
    const at = now();
    const asking = (going.length > 0 ? going : family).map((one) => one.id);
    rollouts.askAll(asking, asked, at, author);
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
          for (const { request } of planned) rollouts.start(request, at);
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
      const all = (await targets(id)).filter((target) => (state ?? target.state) === target.state);
      const page = pageOf(all, paging, ({ agent }) => agent, targetView);
      return { ...page, items: await Promise.all(page.items) };
    },

    pauseRollout: ({ id, body: { message, author } }) => askAll(id, { verb: 'pause', message }, author),

    resumeRollout: ({ id, body: { author } }) => askAll(id, { verb: 'resume' }, author),

    promoteRollout: ({ id, body: { author } }) => askAll(id, { verb: 'promote' }, author),

    stopRollout: ({ id, body: { author, ...body } }) => askAll(id, { verb: 'stop', ...body }, author),

    retryRollout: ({ id, body: { agents, author } }) => {
      const ids = agents.map((agent) => fleet.found(roster.find(agent), `no agent is ${agent}`).agent.identity.id);
      return askAll(id, { verb: 'retry', agents: ids }, author);
    },

    rollbackRollout: async ({ id, body: { author, message, atOnce } }) => {
      const family = rollouts.family(id);
      const finished = family.filter(({ state }) => state === 'succeeded');
      for (const { from } of finished) if (from !== null) await offers.fetch(from.hash);
      const going = family.filter(({ state }) => !fleet.TERMINAL.has(state)).map((one) => one.id);
      const at = now();
      const fresh = () => ({ id: randomId('r', machine), seed: randomId('r', machine), author, message });
      // Those that go on are taken back first: what cannot be said to a finished one must not keep them.
      const asked = { verb: 'rollback', message, atOnce } as const;
      if (going.length > 0 || finished.length === 0)
        rollouts.askAll(going.length > 0 ? going : [id], asked, at, author);
      const back = finished.filter((one) => going.length === 0 || rollouts.canGoBack(one));
      const requests = back.map((one) => rollouts.wayBack(one, fresh()));
      for (const request of requests) rollouts.start(request, at);
      await reconciler.flush();
      const changed = [...going, ...requests.map((request) => request.id)];
      return { rollouts: changed.map((one) => view(rollouts.summary(one))) };
    },

    listRolloutEvents: async ({ id, kind, ...paging }) => {
      rollouts.summary(id);
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

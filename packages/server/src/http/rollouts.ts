import { API_LIMITS, type Handlers, type InputOf } from '@flaghoist/api';
import * as fleet from '@flaghoist/fleet';
import { randomId } from '../clock.ts';
import type { ControlPlane } from '../control-plane.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { Remembered } from '../remembered.ts';
import type { RolloutSummary } from '../storage/store.ts';
import { onceOnly } from './once.ts';
import { descending, historyPage, pageOf } from './pages.ts';

/** A target that is still to come. */
const pendingTarget = (agent: string) =>
  ({ agent, state: 'pending', stage: null, late: false, reason: null, message: '', at: null }) as const;

/** The steps of a target without a ledger entry. */
const NOTHING_DONE = { offeredAt: null, sentAt: null, appliedAt: null, provenAt: null };

/** When it would end at the pace it had until its last proof; not told before a twentieth is proven, or once late. */
function etaOf({ state, planned, counts, targets, createdAt }: fleet.Rollout, now: number): number | null {
  const left = planned - counts.proven - counts.failed;
  if (state !== 'running' || left <= 0 || counts.proven < Math.max(1, planned / 20)) return null;
  let latest = createdAt;
  for (const target of targets.values()) if (target.state === 'proven') latest = Math.max(latest, target.at);
  const end = latest + ((latest - createdAt) / counts.proven) * left;
  return end > now ? end : null;
}

export function rolloutHandlers(plane: ControlPlane) {
  const { configurations, groups, machine, now, offers, reconciler, rollouts, roster, store } = plane;
  const once = onceOnly(plane);
  /** Ended rollouts with their targets. Those asked for last are kept: a log can be long. */
  const ended = new Remembered<fleet.Rollout>(SERVER_LIMITS.rolloutsFolded);

  function view(summary: RolloutSummary) {
    const active = rollouts.active(summary.id);
    return {
      ...summary,
      strategy: { ...summary.strategy, ...summary.strategy.terms },
      counts: { pending: active?.waiting.size ?? 0, ...summary.counts },
      inFlight: active === undefined ? 0 : fleet.inFlight(active.rollout),
    };
  }

  /** With its targets: from memory while it is active, else as its log tells it. */
  async function whole(id: string): Promise<fleet.Rollout> {
    rollouts.summary(id);
    const known = rollouts.active(id)?.rollout ?? ended.get(id);
    if (known !== undefined) return known;
    // What ended just now is known before the end of its log is durable.
    await reconciler.flush();
    const rollout = fleet.found(fleet.fold(await store.rolloutLog(id)), `the log of rollout ${id} is no longer kept`);
    ended.set(id, rollout);
    return rollout;
  }

  /** Asks it of that rollout, or of all of a push to several groups that go on; answers when that is durable. */
  async function askAll(id: string, asked: fleet.Verb, author: string) {
    const family = rollouts.family(id);
    const going = family.filter(({ state }) => !fleet.TERMINAL.has(state));
    const at = now();
    for (const one of going.length > 0 ? going : family) rollouts.ask(one.id, asked, at, author);
    await reconciler.flush();
    return { rollouts: family.map((one) => view(rollouts.summary(one.id))) };
  }

  const pendingOf = ({ id, targets }: fleet.Rollout) =>
    Array.from(rollouts.active(id)?.waiting.ids() ?? [])
      .filter((agent) => !targets.has(agent))
      .map(pendingTarget);

  const named = (agent: string) => {
    const member = roster.get(agent);
    return { agent, name: member === undefined ? agent : fleet.nameOf(member.agent.identity) };
  };

  /** Those that read the same together, the most frequent first. */
  function failuresOf({ targets }: fleet.Rollout) {
    const failed = [...targets.values()].filter(({ state }) => state === 'failed');
    const alike = Map.groupBy(failed, ({ reason, message }) => JSON.stringify({ reason, message }));
    const failures = Array.from(alike, ([cause, same]) => ({
      ...(JSON.parse(cause) as { reason: fleet.FailureReason; message: string }),
      count: same.length,
      examples: same.slice(0, API_LIMITS.failureExamples).map(({ agent }) => named(agent)),
    }));
    return failures.sort((a, b) => b.count - a.count);
  }

  /** The ledger entry of what an agent did for a rollout. */
  async function entryOf(agent: string, rollout: string): Promise<fleet.LedgerEntry | undefined> {
    const isIts = (entry: fleet.LedgerEntry) => fleet.broughtBy(entry) === rollout;
    const present = roster.get(agent)?.agent.ledger;
    return present != null && isIts(present) ? present : (await store.ledger(agent)).find(isIts);
  }

  async function targetView(rollout: fleet.Rollout, target: fleet.Target | ReturnType<typeof pendingTarget>) {
    const entry = target.state === 'pending' ? undefined : await entryOf(target.agent, rollout.id);
    const failedAt = entry?.failure?.at ?? null;
    return { ...NOTHING_DONE, ...entry, failedAt, ...target, ...named(target.agent) };
  }

  function groupsOf({ group, configuration }: InputOf<'startRollout'>['body']) {
    if (group === undefined) {
      const running = groups.list().filter((each) => each.configuration === configuration);
      if (running.length === 0) throw new fleet.FleetError('not-found', `no group runs configuration ${configuration}`);
      return running;
    }
    const found = groups.get(group);
    if (found.configuration !== configuration) {
      throw new fleet.FleetError(
        'conflict',
        `group ${group} runs configuration ${found.configuration}, not ${configuration}; change the group first`,
      );
    }
    return [found];
  }

  return {
    /** All rollouts of the request, or none. */
    startRollout: (request) =>
      once('rollout', request, async () => {
        const { body } = request;
        const { hash, revision } = configurations.ref(body.configuration, body.revision);
        await offers.fetch(hash);
        return () => {
          // Others were served meanwhile.
          const target = configurations.ref(body.configuration, revision);
          const members = groupsOf(body);
          const parent = members.length > 1 ? randomId('r', machine) : null;
          const requests = members.map(({ name, stable, strategy }) => ({
            id: randomId('r', machine),
            parent,
            seed: randomId('r', machine),
            group: name,
            target,
            from: stable,
            strategy: fleet.withOverrides(fleet.strategyNamed(body.strategy ?? strategy), body.overrides ?? {}),
            author: body.author,
            message: body.message,
          }));
          for (const { group } of requests) rollouts.checkFree(group, body.supersede);
          const at = now();
          for (const request of requests) rollouts.start(request, at);
          return { rollouts: requests.map(({ id }) => view(rollouts.summary(id))) };
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

    getRollout: async ({ id }) => {
      const read = await whole(id);
      // It may have gone on, or ended, while its log was read: what follows is of one moment.
      const active = rollouts.active(id)?.rollout;
      return {
        ...view(rollouts.summary(id)),
        failures: failuresOf(active ?? read),
        eta: active === undefined ? null : etaOf(active, now()),
      };
    },

    listRolloutTargets: async ({ id, state, ...paging }) => {
      const rollout = await whole(id);
      const targets = [...rollout.targets.values(), ...pendingOf(rollout)].filter(
        (target) => (state ?? target.state) === target.state,
      );
      const page = pageOf(
        targets,
        paging,
        ({ agent }) => agent,
        (target) => targetView(rollout, target),
      );
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
      const finished = rollouts.family(id).filter(({ state }) => state === 'succeeded');
      if (finished.length === 0) return askAll(id, { verb: 'rollback', message, atOnce }, author);
      for (const { from } of finished) if (from !== null) await offers.fetch(from.hash);
      const at = now();
      const fresh = () => ({ id: randomId('r', machine), seed: randomId('r', machine), author, message });
      const requests = finished.map((one) => rollouts.wayBack(one, fresh()));
      for (const request of requests) rollouts.start(request, at);
      await reconciler.flush();
      return { rollouts: requests.map((request) => view(rollouts.summary(request.id))) };
    },

    listRolloutEvents: async ({ id, ...paging }) => {
      rollouts.summary(id);
      return historyPage(paging, async ({ after, limit }) => {
        const log = await store.rolloutLog(id);
        const told = log.filter(({ version }) => version > after).slice(0, limit);
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

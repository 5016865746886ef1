/** What a rollout would do and what speaks against it: for those who ask, and for the start, by the same code. */
import { ApiError, type InputOf } from '@flaghoist/api';
import * as fleet from '@flaghoist/fleet';
import { randomId } from '../clock.ts';
import type { ControlPlane } from '../control-plane.ts';
import { SEND_BYTES } from '../gateway/wire.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { Remembered } from '../remembered.ts';

type Asked = InputOf<'planRollout'>['body'];
type Start = InputOf<'startRollout'>['body'];

/** The rollout of one group, planned, with what the gates find. */
export type Planned = ReturnType<Awaited<ReturnType<ReturnType<typeof planner>>>>[number];

const TOOK_BACK: ReadonlySet<fleet.RolloutState> = new Set([
  'rolling-back',
  'rolled-back',
  'rolled-back-partial',
] as const);

/** Prepares plans: what takes time comes first, then plans are made in one step in which nothing is awaited. */
export function planner(plane: ControlPlane) {
  const { configurations, groups, machine, offers, reader, rollouts, roster, store, strategies } = plane;
  const outlines = new Remembered<fleet.Outline>(SERVER_LIMITS.outlinesKept);

  async function outline(hash: string): Promise<void> {
    if (outlines.get(hash) !== undefined) return;
    const files = (await store.files(hash)) ?? {};
    const bodies = Object.fromEntries(Object.entries(files).map(([name, { body }]) => [name, body]));
    const understood = await reader.understand(bodies, 'operators');
    const structure = 'structure' in understood ? understood.structure : null;
    outlines.set(hash, { bytes: fleet.sizeOf(files), structure });
  }

  function groupsOf({ group, configuration }: Asked): fleet.Group[] {
    if (group === undefined) {
      const running = groups.list().filter((each) => each.configuration === configuration);
      if (running.length === 0) throw new fleet.FleetError('not-found', `no group runs configuration ${configuration}`);
      return running;
    }
    const found = groups.get(group);
    if (found.configuration === configuration) return [found];
    throw new fleet.FleetError(
      'conflict',
      `group ${group} runs configuration ${found.configuration}, not ${configuration}; change the group first`,
    );
  }

  /** Who took that revision back in the group; null when nobody did. */
  function condemnedBy({ name, condemned }: fleet.Group, hash: string): string | null {
    if (!condemned.includes(hash)) return null;
    const its = rollouts.all().filter(({ group }) => group === name);
    const took = its.findLast(({ target, state }) => target.hash === hash && TOOK_BACK.has(state));
    // It had succeeded: the way back from it is a rollout of its own.
    const left = its.findLast(({ from, takesBack }) => takesBack !== null && from?.hash === hash);
    return (took ?? left)?.id ?? 'of an earlier time';
  }

  function findings(group: fleet.Group, { header }: fleet.Plan): fleet.Finding[] {
    const { target, skipped } = header;
    const left = new Set(skipped.map(({ agent }) => agent));
    const agents = Array.from(roster.inGroup(group.name), ({ agent }) => agent).filter(
      ({ identity }) => !left.has(identity.id),
    );
    return fleet.preflight({
      target,
      next: outlines.get(target.hash) ?? { bytes: 0, structure: null },
      present: (group.stable && outlines.get(group.stable.hash)) ?? null,
      agents,
      condemnedBy: condemnedBy(group, target.hash),
      sendLimit: SEND_BYTES,
    });
  }

  return async function prepare(asked: Asked) {
    const { hash, revision } = configurations.ref(asked.configuration, asked.revision);
    const hashes = new Set([hash, ...groupsOf(asked).flatMap(({ stable }) => stable?.hash ?? [])]);
    await Promise.all([offers.fetch(hash), ...[...hashes].map(outline)]);

    /** As the groups and their agents are now: others were served meanwhile. */
    return ({ author = '', message = '', plan: shown = [] }: Partial<Pick<Start, 'author' | 'message' | 'plan'>>) => {
      const target = configurations.ref(asked.configuration, revision);
      const found = groupsOf(asked);
      const parent = found.length > 1 ? randomId('r', machine) : null;
      return found.map((group) => {
        const strategy = fleet.withOverrides(
          strategies.resolve(asked.strategy ?? group.strategy),
          asked.overrides ?? {},
        );
        const seed = shown.find((one) => one.group === group.name)?.seed ?? randomId('r', machine);
        const given = {
          group: group.name,
          target,
          from: group.stable,
          strategy,
          parent,
          takesBack: null,
          seed,
          author,
          message,
        };
        const request = { id: randomId('r', machine), ...given };
        const plan = rollouts.plan(request);
        return { request, plan, findings: findings(group, plan) };
      });
    };
  };
}

const problemsOf = (planned: readonly Planned[], isWanted: (finding: fleet.Finding) => boolean) =>
  planned.flatMap(({ request, findings }) =>
    findings.filter(isWanted).map(({ gate, message }) => ({ path: request.group, rule: gate, message })),
  );

/**
 * @throws ApiError `preflight-failed`, `needs-confirmation`, `plan-changed`: each with what stands against the start, group
 * by group.
 */
export function checkStart(
  planned: readonly Planned[],
  { plan: shown, confirm = [] }: Pick<Start, 'plan' | 'confirm'>,
): void {
  const errors = problemsOf(planned, ({ severity }) => severity === 'error');
  if (errors[0] !== undefined)
    throw new ApiError('preflight-failed', `nothing was started. ${errors[0].path}: ${errors[0].message}`, errors);
  const changed = shown === undefined ? undefined : changeSince(planned, shown);
  if (changed !== undefined)
    throw new ApiError('plan-changed', `nothing was started: ${changed} since it was planned; look at a new plan`);
  const open = problemsOf(planned, ({ severity, gate }) => severity === 'confirm' && !confirm.includes(gate));
  if (open[0] === undefined) return;
  const gates = [...new Set(open.map(({ rule }) => rule))].join(', ');
  const how = `if that is meant, confirm ${gates} (--yes)`;
  throw new ApiError('needs-confirmation', `nothing was started. ${open[0].path}: ${open[0].message}; ${how}`, open);
}

function changeSince(planned: readonly Planned[], shown: NonNullable<Start['plan']>): string | undefined {
  const other = planned.find(
    ({ request, plan }) => shown.find(({ group }) => group === request.group)?.digest !== plan.header.digest,
  );
  if (other !== undefined) return `what would run in group ${other.request.group} has changed`;
  const gone = shown.find(({ group }) => !planned.some(({ request }) => request.group === group));
  return gone && `group ${gone.group} has gone`;
}

/** As the API tells it. */
export function planView(
  { request, plan: { header, strata }, findings }: Planned,
  examplesOf: (agents: readonly string[]) => { readonly agent: string; readonly name: string }[],
) {
  const { strategy, stages, skipped, canary } = header;
  const left = Map.groupBy(skipped, ({ reason }) => reason as fleet.SkipReason);
  return {
    ...header,
    strategy: { ...strategy, ...strategy.terms },
    seed: request.seed,
    stages: stages.map((planned, stage) => ({
      ...planned,
      soak: planned.name === 'canary' ? strategy.soak.canary : strategy.soak.stage,
      gate: fleet.isGated({ ...header, stage }),
    })),
    bake: strategy.bake,
    least: fleet.leastDuration(header),
    canary: examplesOf(canary),
    strata,
    skipped: Array.from(left, ([reason, same]) => ({
      reason,
      count: same.length,
      examples: examplesOf(same.map(({ agent }) => agent)),
    })),
    findings: findings.map(({ agents, ...finding }) => ({
      ...finding,
      count: agents.length,
      examples: examplesOf(agents),
    })),
  };
}

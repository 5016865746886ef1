/** Starting rollouts: what is looked at and asked before, and the plan of one that does not start. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { allItems, type Group, type Plan, type RequestOf, type Rollout } from '@flaghoist/api';
import { DEFAULT_STRATEGY } from '@flaghoist/fleet';
import { command, type Given } from '../command.ts';
import { CliError, ExitCode } from '../exit-code.ts';
import { print } from '../output/print.ts';
import { plural, revisionText } from '../output/text.ts';
import { findingLines, renderPlan } from '../progress/plan-view.ts';
import { watchRollouts } from '../progress/watch.ts';
import { type Reference, revisionNamed } from '../references.ts';
import type { Session } from '../session.ts';
import { ROLLOUT } from './rollout.ts';

/** Above this many agents a push to all of them at once is asked about at a terminal (A.8). */
const ASK_ABOVE = 10;

/** What a push and a rollout have in common. */
export const starting = ['group', 'fleet', 'strategy', 'author!', 'supersede', 'watch', 'timeout'] as const;
type Starting = Given<(typeof starting)[number] | 'message'>;
type Shown = RequestOf<'startRollout'>['body']['plan'];

/**
 * What can be said before anything is saved: whether the group and the strategy are there, and, asked at a terminal, whether
 * everybody is meant to get it at once. @throws CliError @throws ApiError
 */
export async function checkStart(session: Session, configuration: string, options: Starting): Promise<void> {
  const { client } = session;
  const { group, fleet, strategy } = options;
  const strategies = await allItems((cursor) => client.listStrategies({ cursor }));
  const settingsOf = (choice: Group['strategy']) => {
    const { base = DEFAULT_STRATEGY, stages } = typeof choice === 'string' ? { base: choice } : choice;
    return { stages: stages ?? strategies.find(({ name }) => name === base)?.settings.stages ?? [] };
  };
  if (strategy !== undefined && settingsOf(strategy).stages.length === 0) await client.getStrategy({ name: strategy });
  if (group === undefined && fleet === undefined) return;
  const all = await allItems((cursor) => client.listGroups({ cursor }));
  const groups = all.filter((one) => (group ? one.name === group : one.configuration === configuration));
  if (group && groups.length === 0) {
    const ways = 'flaghoist group list shows all, flaghoist apply -f FILE makes one';
    throw new CliError(`no group is called ${JSON.stringify(group)}; ${ways}`, ExitCode.notFound);
  }
  const atOnce = groups.filter((one) => settingsOf(strategy ?? one.strategy).stages[0] !== 'canary');
  const agents = atOnce.reduce((sum, { agents }) => sum + agents, 0);
  if (agents <= ASK_ABOVE) return;
  const names = atOnce.map(({ name }) => name).join(', ');
  await session.confirm(
    `Push ${configuration} to ${plural(agents, 'agent')} (${names}) at once, without trying it on a few first?`,
  );
}

/**
 * What is to be confirmed with the start: asked at a terminal, and then just the plan that was looked at may run; with
 * `--yes` all of it. Elsewhere nothing is, so that a gate which wants a person stops a script. @throws CliError
 */
async function confirmed(session: Session, body: RequestOf<'planRollout'>['body']) {
  const { client, io, options, stderr } = session;
  const isAsked = !options.yes && io.stdin.isTTY && stderr.isTTY;
  if (!isAsked && !options.yes) return {};
  const { plans } = await client.planRollout({ body });
  const findings = plans.flatMap((plan) => plan.findings);
  const confirm = [...new Set(findings.filter(({ severity }) => severity === 'confirm').map(({ gate }) => gate))];
  if (confirm.length === 0) return {};
  if (options.yes) return { confirm };
  stderr.print(plans.flatMap((plan) => findingLines(plan).map((line) => `group ${plan.group}${line}`)));
  await session.confirm('Start it all the same?');
  return { confirm, plan: plans.map(({ group, seed, digest }) => ({ group, seed, digest })) };
}

export async function startAt(
  session: Session,
  revision: Reference,
  options: Starting,
  shown?: Shown,
): Promise<readonly Rollout[]> {
  const { group, fleet, strategy, supersede, author, message = '' } = options;
  const course = { group, fleet, ...revision, strategy };
  const answers = await confirmed(session, course);
  const body = { ...course, plan: shown, ...answers, supersede, author, message };
  const { rollouts } = await session.client.startRollout({ idempotencyKey: randomUUID(), body });
  for (const rollout of rollouts) {
    const { group, target, planned } = rollout;
    const agents = planned === 0 ? 'no agents in it yet' : plural(planned, 'agent');
    session.say(`${ROLLOUT.name(rollout)} started: group ${group} to ${revisionText(target)}, ${agents}`);
  }
  const parent = rollouts.find((one) => one.parent !== null)?.parent;
  if (parent) session.say(`all of them: flaghoist rollout status ${parent} --watch`);
  return rollouts;
}

/** Shows what would run; negative when an error of the gates would refuse it. */
async function dryRun(session: Session, body: RequestOf<'planRollout'>['body']): Promise<number> {
  const { client, stdout, stderr } = session;
  const { plans } = await client.planRollout({ body });
  const names = plans.map(({ group }) => `group/${group}`);
  await print(session, plans, names, () => stdout.print(plans.flatMap((plan) => renderPlan(plan, stdout.width()))));
  stderr.print(['nothing was started; -o json writes this plan for: flaghoist rollout start … --plan FILE']);
  const isRefused = plans.some(({ findings }) => findings.some(({ severity }) => severity === 'error'));
  return isRefused ? ExitCode.negative : ExitCode.ok;
}

/** The plans that `--dry-run -o json` wrote. @throws CliError */
async function plansIn(file: string): Promise<Shown> {
  try {
    const plans = JSON.parse(await readFile(file, 'utf8')) as Plan[];
    return plans.map(({ group, seed, digest }) => ({ group, seed, digest }));
  } catch (cause) {
    const how = 'give what flaghoist rollout start --dry-run -o json wrote';
    throw new CliError(`${file} is no plan: ${(cause as Error).message}; ${how}`, ExitCode.error, { cause });
  }
}

async function start(session: Session, options: Starting & Given<'to!' | 'dryRun' | 'plan'>): Promise<number> {
  const { group, fleet, strategy, to, plan } = options;
  if (!group && !fleet) throw new CliError('say where it goes: either --group G or --fleet');
  const revision = await revisionNamed(session.client, to);
  if (!options.dryRun) await checkStart(session, revision.configuration, options);
  if (options.dryRun) return dryRun(session, { group, fleet, ...revision, strategy });
  const rollouts = await startAt(session, revision, options, plan === undefined ? undefined : await plansIn(plan));
  await print(session, rollouts, rollouts.map(ROLLOUT.name));
  return options.watch ? watchRollouts(session, rollouts, options.timeout) : ExitCode.ok;
}

const TAKES = ['to!', 'message', 'dryRun', 'plan', ...starting] as const;
export const rolloutStart = [command('start', 'move a group, or the fleet, to a revision', TAKES, start)];

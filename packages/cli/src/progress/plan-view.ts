/** How a plan looks: stages, who is first, who is left out, what speaks against it. */
import type { Plan } from '@flaghoist/api';
import { paint } from '../output/paint.ts';
import { cut, oneLine, plural, revisionText } from '../output/text.ts';

const NO_STAGES = '  nobody in the group can be a target';
const LOOKS = { error: ['bad', '✗'], confirm: ['warn', '?'], warning: ['dim', '!'] } as const;
/** At most so many at once in the canary (A.8, defaults). */
const CANARY_IN_FLIGHT = 3;
/** Kinds of agents that are told of one by one. */
const STRATA = 8;

type Examples = Plan['canary'];

function names(examples: Examples, count: number): string {
  const more = count > examples.length ? ', …' : '';
  return examples.length === 0 ? '' : ` (${examples.map(({ name }) => oneLine(name)).join(', ')}${more})`;
}

export function renderPlan(plan: Plan, width: number): string[] {
  const { group, target, from, strategy, planned, supersedes, least } = plan;
  const way = `${from === null ? 'first revision' : revisionText(from)} → ${revisionText(target)}`;
  const head = `group ${group}: ${way}, ${strategy.name}, ${plural(planned, 'agent')}, at least ${least}`;
  const over = supersedes === null ? [] : [`  takes over from rollout ${supersedes}`];
  const lines = [paint('bold', head), ...over, ...stageLines(plan), ...bounds(plan), ...kinds(plan), ...leftOut(plan)];
  return [...lines.map((line) => cut(line, width)), ...findingLines(plan)];
}

function stageLines({ stages, bake, target, canary }: Plan): string[] {
  const widest = Math.max(...stages.map(({ name }) => name.length));
  const digits = Math.max(...stages.map(({ planned }) => String(planned).length));
  const rows = stages.map(({ name, planned, soak, gate }) => {
    const who = name === 'canary' ? names(canary, planned) : '';
    const then = gate ? paint('warn', '  then a person must promote it') : '';
    const agents = `${String(planned).padStart(digits)} ${planned === 1 ? 'agent ' : 'agents'}`;
    return `  ${name.padEnd(widest)}  ${agents}  soak ${soak}${then}${who}`;
  });
  if (rows.length === 0) return [NO_STAGES];
  return [...rows, `  bake ${bake}, then ${revisionText(target)} is the stable revision`];
}

function bounds({ maxInFlight, maxFailed, maxLost, maxDeferred, from, stages, strategy }: Plan): string[] {
  const isTried = stages[0]?.name === 'canary';
  const canary = isTried ? ` (${Math.min(maxInFlight, CANARY_IN_FLIGHT)} in the canary)` : '';
  const failed = `${maxFailed} may fail${isTried ? ' (none in the canary)' : ''}`;
  const isBack = from !== null && strategy.onFailure === 'rollback';
  const last = from === null ? '' : `, ${revisionText(from)} for most of them`;
  const trip = isBack ? `each agent goes back to what it last ran well${last}` : 'it pauses and waits for a person';
  return [
    `  at most ${maxInFlight} in flight${canary}, ${failed}, ${maxLost} may vanish, ${maxDeferred} be left for later`,
    `  when more fail, ${trip}`,
  ];
}

function kinds({ strata, stages }: Plan): string[] {
  if (stages[0]?.name !== 'canary' || strata.length < 2) return [];
  const told = strata.slice(0, STRATA).map(({ name, agents, canary }) => {
    const tried = canary === 0 ? paint('warn', 'none of them in the canary') : `${canary} in the canary`;
    return `    ${String(agents).padStart(6)}  ${oneLine(name)}: ${tried}`;
  });
  const rest = strata.slice(STRATA);
  const untried = rest.filter(({ canary }) => canary === 0).length;
  const more = rest.length === 0 ? [] : [`    and ${rest.length} kinds more, ${untried} of them not in the canary`];
  return ['  kinds of agents', ...told, ...more];
}

const leftOut = ({ skipped }: Plan): string[] =>
  skipped.map(({ reason, count, examples }) => `  left out: ${count} ${reason}${names(examples, count)}`);

export function findingLines({ findings }: Plan): string[] {
  return findings.map(({ gate, severity, message, count, examples }) => {
    const [look, symbol] = LOOKS[severity];
    return `  ${paint(look, `${symbol} ${gate}`)}  ${oneLine(message)}${names(examples, count)}`;
  });
}

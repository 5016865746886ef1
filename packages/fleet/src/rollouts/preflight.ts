/** What is looked at before a rollout may begin (A.5, pre-flight gates). Pure: the same for a plan and for a start. */
import type { Agent, AgentId } from '../agents/agent.ts';
import type { Structure } from '../collector/structure.ts';
import type { RevisionRef } from '../configurations/revision.ts';

/**
 * G2 components that an agent's build lacks, G4 size, G6 a change of shape, G8 pipelines and what an agent needs to stay
 * connected, G9 a condemned hash. G1, syntax and structure, is looked at when a revision is saved; G7 is the plan itself.
 */
export const GATES = ['G2', 'G4', 'G6', 'G8', 'G9'] as const;
export type Gate = (typeof GATES)[number];

/** An error refuses, what needs a confirmation refuses without one, a warning is told. */
export const SEVERITIES = ['error', 'confirm', 'warning'] as const;

export interface Finding {
  readonly gate: Gate;
  readonly severity: (typeof SEVERITIES)[number];
  /** What is wrong, with what, and what to do. */
  readonly message: string;
  /** Whom it is about; none when it is about the revision as such. */
  readonly agents: readonly AgentId[];
}

/** A configuration as far as the gates look into it; `structure` is null when it could not be understood. */
export interface Outline {
  readonly bytes: number;
  readonly structure: Structure | null;
}

export interface Preflight {
  readonly target: RevisionRef;
  readonly next: Outline;
  /** What the group runs. */
  readonly present: Outline | null;
  /** The targets. */
  readonly agents: Iterable<Agent>;
  /** The rollout whose rollback condemned the hash for the group; null when none did (I9). */
  readonly condemnedBy: string | null;
  /** Bytes that a message may have. */
  readonly sendLimit: number;
}

export function preflight(asked: Preflight): Finding[] {
  return [
    ...condemned(asked),
    ...tooLarge(asked),
    ...lacking(asked),
    ...withoutPipelines(asked),
    ...cutOff(asked),
    ...reshaped(asked),
  ];
}

const nameOf = ({ configuration, revision }: RevisionRef): string => `${configuration}@${revision}`;

function condemned({ condemnedBy, target }: Preflight): Finding[] {
  if (condemnedBy === null) return [];
  const message = `${nameOf(target)} was condemned for this group: rollout ${condemnedBy} took it back; save a changed revision`;
  return [{ gate: 'G9', severity: 'error', message, agents: [] }];
}

/** What a message has beside the configuration: uid, flags, hash, names. */
const ENVELOPE = 4_096;

function tooLarge({ next: { bytes }, sendLimit, target }: Preflight): Finding[] {
  if (bytes + ENVELOPE <= sendLimit) return [];
  const message = `${nameOf(target)} has ${bytes} bytes; no message may have more than ${sendLimit}: make it smaller`;
  return [{ gate: 'G4', severity: 'error', message, agents: [] }];
}

const SECTIONS = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const;
/** A name that the agent expands by itself. */
const UNCERTAIN = /\$\{/;
const typeOf = (id: string): string => id.split('/')[0] ?? id;

/** Of every component the agents that told which of its kind are in their build, and lack it there. */
function lacking({ next: { structure }, agents }: Preflight): Finding[] {
  const builds = [...Map.groupBy(agents, ({ identity }) => identity.components?.ids ?? null)];
  return SECTIONS.flatMap((kind) => {
    const told = builds.filter(([ids]) => ids?.[kind] !== undefined);
    const all = told.reduce((sum, [, same]) => sum + same.length, 0);
    const wanted = (structure?.[kind] ?? []).filter((id) => !UNCERTAIN.test(id));
    return wanted.flatMap((id): Finding[] => {
      const lack = told.flatMap(([ids, same]) => (ids?.[kind]?.includes(typeOf(id)) ? [] : same));
      if (lack.length === 0) return [];
      const message = `${lack.length} of ${all} agents that told their ${kind} have no ${typeOf(id)}, which ${id} is`;
      return [{ gate: 'G2', severity: 'error', message, agents: lack.map(({ identity }) => identity.id) }];
    });
  });
}

/**
 * Without a pipeline that takes in and gives out, the collector does nothing, or does not start. What is missing in one may be in
 * a file that the Supervisor merges with this (real agents, 4.4).
 */
function withoutPipelines({ next: { structure }, target }: Preflight): Finding[] {
  if (structure === null) return [];
  const has = (id: string, part: string) => (structure[`service.pipelines.${id}.${part}`] ?? []).length > 0;
  const pipelines = structure['service.pipelines'] ?? [];
  const empty = pipelines.filter((id) => !has(id, 'receivers') || !has(id, 'exporters'));
  if (pipelines.length > 0 && empty.length === 0) return [];
  const name = nameOf(target);
  if (empty.length === 0)
    return [
      { gate: 'G8', severity: 'error', message: `${name} has no pipelines: no collector would start`, agents: [] },
    ];
  const what = `pipelines without receivers or exporters (${empty.join(', ')})`;
  const message = `${name} has ${what}: a collector starts only where a file of its own completes them`;
  return [{ gate: 'G8', severity: 'warning', message, agents: [] }];
}

/**
 * A Supervisor writes `extensions.opamp` by itself, with the port on which it waits for the collector; what a remote
 * config says of it wins (real agents, 4.4), so that the collector would be lost to it.
 */
function cutOff({ next: { structure }, target }: Preflight): Finding[] {
  if (!structure?.['extensions']?.includes('opamp')) return [];
  const message = `${nameOf(target)} has an extension opamp of its own, which replaces the one by which a Supervisor hears its collector; leave it out`;
  return [{ gate: 'G8', severity: 'confirm', message, agents: [] }];
}

/** More or less than this share of what there was is another shape. */
const SHAPE = 0.5;

/** A generated configuration that has doubled, or lost most of itself, is seldom meant (A.2, 2025-11-18). */
function reshaped({ next, present, target }: Preflight): Finding[] {
  if (present === null) return [];
  const components = ({ structure }: Outline) =>
    SECTIONS.reduce((sum, kind) => sum + (structure?.[kind]?.length ?? 0), 0);
  const pipelines = ({ structure }: Outline) => structure?.['service.pipelines']?.length ?? 0;
  const isKnown = next.structure !== null && present.structure !== null;
  const measures = [
    ['bytes', present.bytes, next.bytes],
    ...(isKnown
      ? ([
          ['components', components(present), components(next)],
          ['pipelines', pipelines(present), pipelines(next)],
        ] as const)
      : []),
  ] as const;
  const changed = measures.filter(([, before, after]) => Math.abs(after - before) > before * SHAPE);
  if (changed.length === 0) return [];
  const what = changed.map(([name, before, after]) => `${before} to ${after} ${name}`).join(', ');
  const message = `${nameOf(target)} is of another shape than what the group runs: from ${what}`;
  return [{ gate: 'G6', severity: 'confirm', message, agents: [] }];
}

/**
 * The engine with one of its protections taken out: the laws must catch each (A.8). A mutant is an edit of a source file,
 * made while that is loaded, so that the product carries no switch; or something that the world does not do for it.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Bias } from './world.ts';

interface Edit {
  /** Below `packages/`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutant {
  readonly lacks: string;
  readonly edits: readonly Edit[];
  /** Towards the situation in which the lack shows. */
  readonly bias: Bias;
}

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  'no-fencing': {
    lacks: 'the store takes commits of whoever comes: an old leader writes over what its successor wrote',
    edits: [],
    bias: { fencing: false, shared: true, rates: { sleep: 0.02 } },
  },
  'no-in-flight-bound': {
    lacks: 'as many are admitted as wait',
    edits: [
      {
        file: 'fleet/src/rollouts/rollout.ts',
        from: 'return Math.max(0, boundsNow(rollout).maxInFlight - (inFlight(rollout) - rollout.carried.size));',
        to: 'return 1_000;',
      },
      {
        file: 'fleet/src/rollouts/rollout.ts',
        from: 'return Math.max(0, boundsNow(rollout).maxInFlight - inFlight(rollout));',
        to: 'return 1_000;',
      },
    ],
    bias: {},
  },
  'no-memory-of-failed': {
    lacks: 'what an agent refused is forgotten',
    edits: [
      {
        file: 'fleet/src/convergence/assignment.ts',
        from: 'refusals(agent, entry).filter(({ hash }) => refusalOf(agent, hash) === undefined);',
        to: 'refusals(agent, entry).filter(() => false);',
      },
    ],
    bias: { bad: true, vice: 'rolls-back' },
  },
  'status-ignored': {
    lacks: 'whoever names the hash counts as having applied it',
    edits: [
      {
        file: 'fleet/src/convergence/rules.ts',
        from: 'return (facts) => facts.agent.report.reported?.status === status && namesIt(facts);',
        to: "return (facts) => status === 'APPLIED' && namesIt(facts);",
      },
    ],
    bias: { bad: true },
  },
  'hold-time': {
    lacks: 'a return is confirmed once the time for what was sent before is over, on whatever connection (I13)',
    edits: [
      {
        file: 'fleet/src/convergence/crossing.ts',
        from: "if (presence.transport === 'http' || left.epoch === null) return false;",
        to: 'return false;',
      },
      {
        file: 'fleet/src/convergence/crossing.ts',
        from: "if (!presence.connected || presence.transport !== 'websocket') return false;",
        to: 'return false;',
      },
    ],
    bias: { bad: true, hangs: true, rates: { thinksLong: 0.4 } },
  },
  'leader-grace': {
    lacks: 'deadlines move at every start, however often',
    edits: [
      {
        file: 'fleet/src/convergence/entry.ts',
        from: 'if (entry.deadline === null || entry.extensions >= most) return entry;',
        to: 'if (entry.deadline === null || most === 0) return entry;',
      },
    ],
    bias: { rates: { crash: 0.05 }, bad: true, vice: 'stalls' },
  },
  'failed-stay': {
    lacks: 'who failed keeps what failed on it for as long as the others go on (A.4)',
    edits: [
      {
        file: 'fleet/src/rollouts/revert.ts',
        from: 'if (rollout.counts.failed === 0) return [];',
        to: 'return [];',
      },
    ],
    bias: { bad: true },
  },
  'holders-unseen': {
    lacks: 'who has the revision although the older database never gave it to it is none of its targets (I14)',
    edits: [
      {
        file: 'fleet/src/rollouts/decide.ts',
        from: "return agents.length > 0 ? { type: 'admitted', agents, found: true } : undefined;",
        to: 'return undefined;',
      },
    ],
    bias: { travels: true },
  },
  'no-control-group': {
    lacks: 'ill health takes a rollout back, whatever befell those that were not touched (A.5)',
    edits: [
      {
        file: 'fleet/src/rollouts/control-group.ts',
        from: 'return control.all >= LEAST_CONTROLS && control.bad > 0 && fisher(updated, control) >= SIGNIFICANT;',
        to: 'return false;',
      },
    ],
    bias: { blight: true },
  },
  'gates-of-nobody': {
    lacks: 'the gate of a stage that came to nothing stands nowhere',
    edits: [
      {
        file: 'fleet/src/rollouts/gates.ts',
        from: 'return at >= first && at < end;',
        to: 'return at === first;',
      },
    ],
    bias: {},
  },
};

/** From now on sources are loaded with the edits made. @throws when a text to be edited is not there any more. */
export function mutate({ edits }: Mutant): void {
  const packages = new URL('../../../', import.meta.url);
  for (const { file, from } of edits) {
    if (!readFileSync(new URL(file, packages), 'utf8').includes(from))
      throw new Error(`a mutant edits ${file}, where this is not any more (mutants.ts): ${from}`);
  }
  const byUrl = Map.groupBy(edits, ({ file }) => new URL(file, packages).href);
  registerHooks({
    load(url, context, nextLoad) {
      const own = byUrl.get(url);
      if (own === undefined) return nextLoad(url, context);
      const text = readFileSync(fileURLToPath(url), 'utf8');
      const source = own.reduce((edited, { from, to }) => edited.replace(from, to), text);
      return { format: 'module-typescript', source, shortCircuit: true };
    },
  });
}

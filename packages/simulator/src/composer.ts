import { isDeepStrictEqual } from 'node:util';
import type { AgentRemoteConfig } from '@flaghoist/opamp';
import { type Composition, compose } from './composition.ts';
import { limits } from './limits.ts';
import type { ScenarioGroup } from './scenario.ts';

/** Composes for all agents of one group: each configuration once, however many agents get it. */
export class Composer {
  /** Of the group's own configuration alone, which runs before the first offer. */
  readonly local: Composition;
  private readonly group: ScenarioGroup;
  private readonly known = new Map<string, { readonly config: AgentRemoteConfig; readonly composition: Composition }>();

  constructor(group: ScenarioGroup) {
    this.group = group;
    this.local = compose(group);
  }

  /** A server that sends different texts under one hash is taken at its texts. */
  compose(config: AgentRemoteConfig): Composition {
    const hash = Buffer.from(config.configHash).toString('hex');
    const before = this.known.get(hash);
    if (before !== undefined && isDeepStrictEqual(before.config, config)) return before.composition;
    const entries = Object.entries(config.config?.configMap ?? {}).map(([name, { body }]) => [name, body]);
    const composition = compose(this.group, hash, Object.fromEntries(entries));
    if (this.known.size >= limits.compositions) this.known.clear();
    this.known.set(hash, { config, composition });
    return composition;
  }
}

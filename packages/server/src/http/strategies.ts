import type { Handlers } from '@flaghoist/api';
import * as fleet from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';
import { pageOf } from './pages.ts';
import { checkVersion, versionOf } from './preconditions.ts';

export function strategyHandlers({ groups, journal, now, reconciler, strategies }: ControlPlane) {
  const usedBy = (name: string): string[] =>
    groups.list().flatMap((group) => (fleet.standsOn(group.strategy, name) ? [group.name] : []));

  function view(settings: fleet.Strategy) {
    const { name, terms } = settings;
    const { spec = null, createdAt = null } = strategies.find(name) ?? {};
    return {
      ...{ name, builtIn: fleet.isBuiltIn(name), spec, createdAt, groups: usedBy(name), version: versionOf(spec) },
      settings: { ...settings, ...terms },
    };
  }

  /** @throws FleetError `not-found` naming those there are. */
  function get(name: string): fleet.Strategy {
    const all = everyone();
    const names = all.map((one) => one.name).join(', ');
    return fleet.found(
      all.find((one) => one.name === name),
      `no strategy is called ${JSON.stringify(name)}; there is: ${names}`,
    );
  }
  const everyone = () => [...fleet.BUILT_IN_STRATEGIES, ...Array.from(strategies.own(), fleet.settingsOf)];

  /** Groups that write fields over it must go on making sense. @throws FleetError `invalid-strategy`. */
  function refuseNonsense(name: string, spec: fleet.StrategySpec): void {
    const others = [...strategies.own()].filter((one) => one.name !== name);
    const own = [...others, { name, spec, createdAt: 0 }];
    for (const { strategy } of groups.list()) if (fleet.standsOn(strategy, name)) fleet.resolveStrategy(strategy, own);
  }

  return {
    listStrategies: async (paging) =>
      pageOf(everyone(), paging, ({ name }) => `${fleet.isBuiltIn(name) ? 0 : 1} ${name}`, view),

    getStrategy: async ({ name }) => view(get(name)),

    putStrategy: async ({ name, ifMatch, body: { author, ...spec } }) => {
      const before = strategies.find(name);
      checkVersion(ifMatch, before && versionOf(before.spec));
      refuseNonsense(name, spec);
      strategies.put(name, spec, now());
      journal.record(
        before === undefined ? 'strategy.created' : 'strategy.updated',
        `strategy/${name}`,
        { spec },
        author,
      );
      await reconciler.flush();
      return view(get(name));
    },

    deleteStrategy: async ({ name, ifMatch, author }) => {
      checkVersion(ifMatch, view(get(name)).version);
      const [group, ...more] = usedBy(name);
      if (group !== undefined) {
        const others = more.length === 0 ? '' : ` and ${more.length} more`;
        throw new fleet.FleetError(
          'conflict',
          `group ${group}${others} uses strategy ${name}; give it another one first`,
        );
      }
      strategies.delete(name);
      journal.record('strategy.deleted', `strategy/${name}`, {}, author);
      await reconciler.flush();
    },
  } satisfies Partial<Handlers>;
}

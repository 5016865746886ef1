import type { Strategy } from '@flaghoist/api';
import { command } from '../command.ts';
import { strategyManifest } from '../manifests/manifest.ts';
import { type Kind, listing, print } from '../output/print.ts';
import { renderFacts } from '../output/table.ts';
import type { Session } from '../session.ts';

const STRATEGY: Kind<Strategy> = {
  name: ({ name }) => `strategy/${name}`,
  columns: [
    'name',
    ['stages', ({ settings }) => settings.stages.join(' ')],
    ['soak', ({ settings: { soak } }) => `${soak.canary} / ${soak.stage}`],
    ['bake', ({ settings }) => settings.bake],
    ['in flight', ({ settings }) => settings.maxInFlight],
    ['may fail', ({ settings }) => settings.maxFailed],
    ['from', ({ builtIn, spec }) => (builtIn ? 'built in' : spec?.base)],
  ],
  wide: ['groups'],
};

/** `-o yaml` is what `apply` takes, for one that is built in a copy to begin with. */
async function showStrategy(session: Session, _: object, name: string) {
  const strategy = await session.client.getStrategy({ name });
  const { settings, builtIn, spec, groups } = strategy;
  const facts = { ...settings, name, from: builtIn ? 'built in' : `fields over ${spec?.base}`, groups };
  const inWords = () => session.stdout.print(renderFacts(facts, session.io.now()));
  return print(session, strategy, [STRATEGY.name(strategy)], inWords, () => strategyManifest(strategy));
}

const listStrategies = listing(STRATEGY, (client, page) => client.listStrategies(page));

export const strategyCommands = [
  command('list', 'list strategies', [], listStrategies),
  command('show <strategy>', 'show a strategy', [], showStrategy),
];

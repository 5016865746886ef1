import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Programs } from '@flaghoist/cli';
import { Fleet, parseScenario, type Scenario, ScenarioError, scenario } from '@flaghoist/simulator';

/** How often the fleet says how it is. */
const TELL_EVERY = 2_000;

/** The scenario of a file, else one of so many agents; with another seed where one is given. @throws ScenarioError */
export async function chosenScenario(options: Omit<Parameters<Programs['simulate']>[1], 'url'>): Promise<Scenario> {
  const { agents, scenario: file, seed } = options;
  const given = file === undefined ? scenario({ agents }) : parseScenario(await readFile(file, 'utf8'), file);
  return seed === undefined ? given : { ...given, seed };
}

/** Runs a simulated fleet against any OpAMP server until it is interrupted. @throws ScenarioError */
export const simulate: Programs['simulate'] = async ({ io }, options) => {
  const { url } = options;
  if (!/^(ws|http)s?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new ScenarioError(`--url: is ${JSON.stringify(url)}; write one such as ws://127.0.0.1:4320/v1/opamp`);
  const chosen = await chosenScenario(options);
  const signal = io.interruption();
  await using fleet = new Fleet({ url, scenario: chosen });
  let told = '';
  while (!signal.aborted) {
    const { agents, connected, healthy, offers, repeatedOffers, collectorRestarts } = fleet.summary();
    const line = `${connected}/${agents} connected to ${url}, ${healthy} healthy, ${offers} offers (${repeatedOffers} repeated), ${collectorRestarts} collector restarts`;
    if (line !== told) io.stdout.write(`${line}\n`);
    told = line;
    await sleep(TELL_EVERY, undefined, { signal }).catch(() => undefined);
  }
  return 0;
};

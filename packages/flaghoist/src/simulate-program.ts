import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import type { Programs } from '@flaghoist/cli';
import { parseScenario, type Scenario, ScenarioError, scenario, startFleet } from '@flaghoist/simulator';

/** How often the fleet says how it is. */
const TELL_EVERY = 2_000;
const DEFAULT_AGENTS = 100;

/** When it is said that nobody answers. */
const PATIENCE = 5_000;

function whole(option: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new ScenarioError(option, `is ${JSON.stringify(text)}; write a whole number`);
}

async function scenarioOf({
  agents,
  scenario: file,
  seed,
  url,
}: Parameters<Programs['simulate']>[0]): Promise<Scenario> {
  if (!/^(ws|http)s?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new ScenarioError('--url', `is ${JSON.stringify(url)}; write one such as ws://127.0.0.1:4320/v1/opamp`);
  const given =
    file === undefined
      ? scenario({ agents: agents === undefined ? DEFAULT_AGENTS : whole('--agents', agents) })
      : parseScenario(await readFile(file, 'utf8'));
  return seed === undefined ? given : { ...given, seed: whole('--seed', seed) };
}

/** Runs a simulated fleet against any OpAMP server until Ctrl-C. Resolves to the exit code. */
export const simulate: Programs['simulate'] = async (options, { stdout, stderr }) => {
  let chosen: Scenario;
  try {
    chosen = await scenarioOf(options);
  } catch (error) {
    if (!(error instanceof ScenarioError) && (error as { code?: string }).code !== 'ENOENT') throw error;
    stderr.write(`flaghoist: ${(error as Error).message}\n`);
    return 2;
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const fleet = await startFleet({ url: options.url, scenario: chosen });
  const nobody = `nobody answers at ${options.url}; still trying\n`;
  setTimeout(PATIENCE, undefined, { signal: stop.signal }).then(
    () => fleet.summary().connected === 0 && stderr.write(nobody),
    () => undefined,
  );
  let told = '';
  while (!stop.signal.aborted) {
    const { agents, connected, healthy, offers, repeatedOffers, collectorRestarts } = fleet.summary();
    const line = `${connected}/${agents} connected, ${healthy} healthy, ${offers} offers (${repeatedOffers} repeated), ${collectorRestarts} collector restarts`;
    if (line !== told) stdout.write(`${line}\n`);
    told = line;
    await setTimeout(TELL_EVERY, undefined, { signal: stop.signal }).catch(() => undefined);
  }
  await fleet.stop();
  return 0;
};

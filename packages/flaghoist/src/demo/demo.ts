/** `flaghoist demo`: a server, 300 simulated agents, three revisions and what became of them. Judges itself. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { type Agent, allItems, createClient } from '@flaghoist/api';
import type { Programs } from '@flaghoist/cli';
import { type RunningServer, startServer } from '@flaghoist/server';
import { Fleet } from '@flaghoist/simulator';
import own from '../../package.json' with { type: 'json' };
import { chosenScenario } from '../simulate-program.ts';
import { expectations } from './expectations.ts';
import { startRealAgents } from './real-agents.ts';
import { type Stage, setStage } from './stage.ts';

const DATA = join(import.meta.dirname, '../../demo');
/** Longest wait for anything on a slow machine, in milliseconds. */
const PATIENCE = 120_000;
const WATCHED = '--watch --yes --timeout 2m';

/** A file of the demo, as it is typed. */
function file(name: string): string {
  const path = relative(process.cwd(), join(DATA, name));
  return path.includes(' ') ? `"${path}"` : path;
}

/** A first revision for everybody; one that is tried on a few first; one that fails on many; one that nobody can run. */
const STORY: Readonly<Record<string, readonly string[]>> = {
  'Three groups run one configuration': [`apply -f ${file('groups.yaml')}`, 'group list'],
  'Revision 1 goes to the whole fleet': [
    `push ${file('collector-1.yaml')} --configuration collector -m "traces to the primary backend" --fleet --strategy all-at-once ${WATCHED}`,
  ],
  'A second backend arrives: saved, compared, planned': [
    `push ${file('collector-2.yaml')} --configuration collector -m "traces to the second backend as well"`,
    'configuration diff collector@1 collector@2',
    'rollout start --group edge --to collector@2 --dry-run',
  ],
  'It goes to three agents first; they prove it, and the others follow': [
    `rollout start --group edge --to collector@2 -m "second backend" ${WATCHED}`,
    `rollout start --group gateway --to collector@2 -m "second backend" ${WATCHED}`,
  ],
  'In payments the second stage finds what the canary could not: it takes itself back': [
    `rollout start --group payments --to collector@2 -m "second backend" ${WATCHED}`,
  ],
  'A misspelt exporter: it stops at the canary and takes itself back': [
    `push ${file('collector-3.yaml')} --configuration collector -m "tidy up" --group edge ${WATCHED}`,
    'alert list',
  ],
};

/** The usual ports, so that what is printed is what is typed later; any free ones when they are taken. */
async function startOnUsualPorts(data: string): Promise<RunningServer> {
  const at = (port: number) => ({ host: '127.0.0.1', port });
  const options = { data, version: own.version, logLevel: 'warn', onFatal: () => process.exit(1) };
  try {
    return await startServer({ ...options, opamp: at(4320), api: at(4321), ops: at(4322) });
  } catch (error) {
    if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
    return startServer({ ...options, opamp: at(0), api: at(0), ops: at(0) });
  }
}

/** Those that do not run what they should, the steps of one that failed, and the sums. */
async function showLedger(stage: Stage, agents: readonly Agent[]): Promise<void> {
  const states = new Set(agents.map(({ state }) => state).sort());
  states.delete('in-sync');
  await stage.scene(
    'From the ledger: every agent that does not run what it should, and why',
    [...states].map((state) => `agent list --state ${state}`),
  );
  const failed = agents.find(({ state }) => state === 'failed' || state === 'rolled-back');
  if (failed !== undefined)
    await stage.scene('From the ledger: one that failed, step by step', [`agent show ${failed.name}`]);
  if (agents.some(({ name }) => name === 'real-1'))
    await stage.scene('From the ledger: the real ones', ['agent list -q real-']);
  await stage.scene('From the ledger: what became of everybody', ['rollout list', 'group list']);
}

function showExpectations(stage: Stage, judged: Readonly<Record<string, boolean>>): void {
  stage.heading('What was expected');
  for (const [text, holds] of Object.entries(judged))
    stage.say(`  ${holds ? styleText('green', '✓') : styleText('red', '✗ not so:')} ${text}`);
}

function showWhatNext(stage: Stage, { api, opamp }: RunningServer['addresses']): void {
  const program = api === '127.0.0.1:4321' ? 'bin/flaghoist' : `bin/flaghoist --server http://${api}`;
  stage.heading('It stays up. Look around from another terminal:');
  stage.say(`  ${program} agent list -l role=edge
  ${program} agent show NAME            # its ledger, step by step
  ${program} rollout list
  ${program} events --follow
  ${program} agent retry NAME           # offers a refused revision once more

  API     http://${api}/api/v1/fleet
  agents  ws://${opamp}/v1/opamp

Ctrl-C ends it; nothing is left behind.`);
}

/** Resolves to 0 when every expectation held. @throws AbortError when it is interrupted before. */
export const demo: Programs['demo'] = async ({ io }, options) => {
  const scenario = await chosenScenario({ ...options, scenario: join(DATA, 'fleet.yaml') });
  const interrupted = io.interruption();
  await using cleanUp = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'flaghoist-demo-'));
  cleanUp.defer(() => rm(directory, { recursive: true, force: true }));
  const { addresses } = cleanUp.use(await startOnUsualPorts(join(directory, 'data')));
  const url = `ws://${addresses.opamp}/v1/opamp`;
  const api = `http://${addresses.api}`;
  const stage = setStage(api, interrupted);
  stage.heading('Flaghoist demo');
  stage.say(`A server on ${url}, its data in SQLite, and 300 simulated agents that speak real OpAMP.`);
  const fleet = cleanUp.use(new Fleet({ url, scenario }));
  const real = options.real ? cleanUp.use(await startRealAgents(url, directory)) : undefined;
  if (options.real && real === undefined)
    stage.say('The real Supervisor and Collector are not built here: npm run interop builds them (needs Go).');

  const client = createClient({ baseUrl: api });
  const look = async () => {
    const agents = await allItems((cursor) => client.listAgents({ cursor }));
    const rollouts = await allItems((cursor) => client.listRollouts({ cursor }));
    const judged = expectations({ agents, rollouts, records: fleet.records(), real: real?.count ?? 0 });
    return { agents, judged, good: Object.values(judged).every(Boolean) };
  };
  /** Looks again until it holds or patience is over; resolves to what was seen last. */
  const lookUntil = async (holds: (seen: Awaited<ReturnType<typeof look>>) => boolean) => {
    const end = performance.now() + PATIENCE;
    let seen = await look();
    for (; !holds(seen) && performance.now() < end; seen = await look())
      await sleep(200, undefined, { signal: interrupted });
    return seen;
  };

  const late = fleet.agents.filter(({ behaviour }) => behaviour.kind === 'offline-until');
  const present = fleet.agents.length - late.length + (real?.count ?? 0);
  await lookUntil(({ agents }) => agents.length >= present);
  for (const [heading, commands] of Object.entries(STORY)) await stage.scene(heading, commands);
  fleet.release();
  const { agents } = await lookUntil(({ good }) => good);
  await showLedger(stage, agents);
  const { judged, good } = await look();
  showExpectations(stage, judged);
  if (!options.exit && !interrupted.aborted) {
    showWhatNext(stage, addresses);
    await once(interrupted, 'abort');
  }
  return good ? 0 : 1;
};

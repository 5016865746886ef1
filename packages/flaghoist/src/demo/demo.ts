/** `flaghoist demo`: a server, 300 simulated agents, two revisions and what became of them. Judges itself. */

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DemoOptions, Programs } from '@flaghoist/cli';
import { type RunningServer, startServer } from '@flaghoist/server';
import { type Fleet, startFleet } from '@flaghoist/simulator';
import { VERSION } from '../version.ts';
import { type AgentRow, expectations, type RolloutRow } from './expectations.ts';
import { collectorConfig, demoScenario, GROUPS_FILE } from './fleet.ts';
import { pushToRealAgents, startRealAgents } from './real-agents.ts';
import { Stage } from './stage.ts';

const DEFAULT_SEED = 7;
/** Longest wait for anything on a slow machine. */
const PATIENCE = 120_000;

/** The usual ports, so that what is printed is what is typed later; any free ones when they are taken. */
async function startOnUsualPorts(data: string): Promise<RunningServer> {
  const at = (port: number) => ({ host: '127.0.0.1', port });
  const options = { data, version: VERSION, logLevel: 'warn', onFatal: () => process.exit(1) };
  try {
    return await startServer({ ...options, opamp: at(4320), api: at(4321), ops: at(4322) });
  } catch (error) {
    if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
    return startServer({ ...options, opamp: at(0), api: at(0), ops: at(0) });
  }
}

async function writeFiles(directory: string): Promise<void> {
  await writeFile(join(directory, 'groups.yaml'), GROUPS_FILE);
  await writeFile(join(directory, 'collector-1.yaml'), collectorConfig(false));
  await writeFile(join(directory, 'collector-2.yaml'), collectorConfig(true));
}

const items = async <T>(stage: Stage, ...words: string[]): Promise<T[]> => {
  const answer = await stage.ask<T[] | { items: T[] }>(...words);
  return Array.isArray(answer) ? answer : answer.items;
};

/** Revision 1 for everybody, then the second backend: saved first, looked at, then sent. */
async function perform(stage: Stage, fleet: Fleet, directory: string): Promise<void> {
  const save = (revision: number, message: string, ...more: string[]) =>
    stage.type(
      'push',
      join(directory, `collector-${revision}.yaml`),
      '--configuration',
      'collector',
      '-m',
      message,
      ...more,
    );
  const watched = ['--watch', '--yes', '--timeout', '2m'];
  stage.heading('Three groups run one configuration');
  await stage.type('apply', '-f', join(directory, 'groups.yaml'));
  await stage.type('group', 'list');
  stage.heading('Revision 1 goes to the whole fleet');
  await save(1, 'traces to the primary backend', '--fleet', ...watched);
  stage.heading('A second backend arrives: saved, compared, sent');
  await save(2, 'traces to the second backend as well');
  await stage.type('configuration', 'diff', 'collector@1', 'collector@2');
  await stage.type(
    'rollout',
    'start',
    '--fleet',
    '--to',
    'collector@2',
    '-m',
    'second backend, everywhere',
    ...watched,
  );
  fleet.release();
}

/** Waits until nothing moves any more: the late agent is proven, whoever lies is found out. */
async function comeToRest(stage: Stage): Promise<boolean> {
  const moving = async (): Promise<number> => (await items(stage, 'agent', 'list', '--state', 'updating')).length;
  const rest = await stage.until(moving, (count) => count === 0, PATIENCE);
  await fleetQuiet();
  return rest && (await moving()) === 0;
}
const fleetQuiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_500));

async function judge(stage: Stage, fleet: Fleet): Promise<boolean> {
  const agents = await items<AgentRow>(stage, 'agent', 'list');
  const rollouts = await items<RolloutRow>(stage, 'rollout', 'list');
  const hash = (revision: number) =>
    rollouts.find(({ target }) => target.configuration === 'collector' && target.revision === revision)?.target.hash ??
    '';
  const results = expectations({
    agents,
    rollouts,
    records: fleet.records(),
    first: hash(1),
    second: hash(2),
  });
  stage.heading('What was expected');
  for (const { text, holds } of results)
    stage.say(`  ${holds ? stage.style.good('✓') : stage.style.bad('✗ not so:')} ${text}`);
  return results.every(({ holds }) => holds);
}

async function showLedger(stage: Stage): Promise<void> {
  stage.heading('From the ledger: every agent that does not run what it should, and why');
  for (const state of ['failed', 'rolled-back', 'drifted', 'unhealthy', 'offline', 'unverifiable']) {
    const found = await items(stage, 'agent', 'list', '--state', state);
    if (found.length > 0) await stage.type('agent', 'list', '--state', state);
  }
  await stage.type('rollout', 'list');
  await stage.type('group', 'list');
}

interface TargetRow {
  readonly sentAt: string | null;
  readonly provenAt: string | null;
}

/** How long proof took, from the record of the send to the last sign that agreed. */
async function showTimes(stage: Stage): Promise<void> {
  stage.heading('From the ledger: from sent to proven');
  const rollouts = await items<RolloutRow>(stage, 'rollout', 'list');
  const rows = [];
  for (const { id, group, target } of rollouts.toReversed()) {
    const targets = await items<TargetRow>(stage, 'rollout', 'targets', id, '--state', 'proven');
    const took = targets.map(({ sentAt, provenAt }) => Date.parse(provenAt ?? '') - Date.parse(sentAt ?? ''));
    const sorted = took.filter(Number.isFinite).sort((a, b) => a - b);
    const at = (share: number): string =>
      `${((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) / 1_000).toFixed(1)} s`;
    rows.push([group, `${target.configuration}@${target.revision}`, String(targets.length), at(0), at(0.5), at(1)]);
  }
  stage.table(['GROUP', 'REVISION', 'PROVEN', 'FASTEST', 'MEDIAN', 'SLOWEST'], rows);
}

function showWhatNext(stage: Stage, server: RunningServer): void {
  const at = server.addresses.api === '127.0.0.1:4321' ? '' : ` --server http://${server.addresses.api}`;
  stage.heading('It stays up. Look around from another terminal:');
  for (const line of [
    `bin/flaghoist${at} agent list -l role=edge`,
    `bin/flaghoist${at} agent show NAME            # its ledger, step by step`,
    `bin/flaghoist${at} rollout list`,
    `bin/flaghoist${at} events --follow`,
    `bin/flaghoist${at} agent retry NAME           # offers a refused revision once more`,
  ])
    stage.say(`  ${line}`);
  stage.say(`\n  API     http://${server.addresses.api}/api/v1/fleet`);
  stage.say(`  agents  ws://${server.addresses.opamp}/v1/opamp`);
  stage.say('\nCtrl-C ends it; nothing is left behind.');
}

/** Fires on the first Ctrl-C; the demo then ends where it is. */
function onInterrupt(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** The whole show. Resolves to whether every expectation held. */
async function show(
  stage: Stage,
  url: string,
  directory: string,
  options: DemoOptions,
  cleanUp: AsyncDisposableStack,
): Promise<boolean> {
  const fleet = cleanUp.use(await startFleet({ url, scenario: demoScenario(Number(options.seed ?? DEFAULT_SEED)) }));
  const real = options.real === true ? await startRealAgents(stage, url, directory) : undefined;
  if (real !== undefined) cleanUp.use(real);
  const known = async (): Promise<number> => (await items(stage, 'agent', 'list')).length;
  const present = fleet.agents.filter(({ behaviour }) => behaviour.kind !== 'offline-until').length;
  await stage.until(known, (total) => total >= present, PATIENCE);
  await perform(stage, fleet, directory);
  const provenForReal = real === undefined || (await pushToRealAgents(stage, directory));
  const rest = await comeToRest(stage);
  await showLedger(stage);
  await showTimes(stage);
  return (await judge(stage, fleet)) && rest && provenForReal;
}

/** Resolves to 0 when every expectation held. */
export const demo: Programs['demo'] = async (options, io) => {
  const interrupted = onInterrupt();
  const directory = await mkdtemp(join(tmpdir(), 'flaghoist-demo-'));
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rm(directory, { recursive: true, force: true }));
  await writeFiles(directory);
  const server = cleanUp.use(await startOnUsualPorts(join(directory, 'data')));
  const stage = new Stage(io, server.addresses.api, interrupted);
  const url = `ws://${server.addresses.opamp}/v1/opamp`;
  stage.heading('Flaghoist demo');
  stage.say(`A server on ${url}, its data in SQLite, and 300 simulated agents that speak real OpAMP.`);
  try {
    const good = await show(stage, url, directory, options, cleanUp);
    if (options.exit === true) return good ? 0 : 1;
    showWhatNext(stage, server);
    await once(interrupted, 'abort');
    return good ? 0 : 1;
  } catch (error) {
    if (!interrupted.aborted) throw error;
    return 130;
  }
};

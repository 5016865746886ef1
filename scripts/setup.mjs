// Makes a clone ready: installs the dependencies and finds a Node that runs Flaghoist; quick when there is nothing to do.
// Plain JavaScript for any Node from 18 on, without dependencies, because it runs before there are any.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const WANTED_NODE = '24.15.0';
const WANTED_SQLITE = '3.51.3';
const PACKAGED_FOR = ['linux-arm64', 'linux-x64', 'win-x64'];
const STOPPING = ['SIGINT', 'SIGTERM', 'SIGHUP'];

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const windows = process.platform === 'win32';
const platform = `${windows ? 'win' : process.platform}-${process.arch}`;
const modules = path.join(root, 'node_modules');
const packagedNode = path.join(modules, `node-${platform}`, 'bin', windows ? 'node.exe' : 'node');
const lockfile = path.join(root, 'package-lock.json');
// npm writes it at the end of whatever it installs, by our order or by hand.
const installed = path.join(modules, '.package-lock.json');
const lock = path.join(root, '.cache', 'set-up.lock');

/** Says why the set-up cannot go on, as a sentence for the user, and ends the process. */
function giveUp(why, exitCode = 2) {
  process.stderr.write(`flaghoist: ${why}\n`);
  process.exit(exitCode);
}

/**
 * Sets the clone up if it is not; ends the process if it cannot.
 * @returns {Promise<string>} the path of a Node that runs Flaghoist
 */
export async function setUp() {
  const { node: version, sqlite = '0' } = process.versions;
  const own = atLeast(version, WANTED_NODE) && atLeast(sqlite, WANTED_SQLITE);
  if (!own && !PACKAGED_FOR.includes(platform)) giveUp(needsNode('npm has none for it'));
  const ready = () => isInstalled() && (own || fs.existsSync(packagedNode));
  if (!ready()) await oneAtATime(async () => ready() || (await install(own)));
  return own ? process.execPath : packagedNode;
}

const atLeast = (version, wanted) => version.localeCompare(wanted, 'en', { numeric: true }) >= 0;

function needsNode(why) {
  return [
    `needs Node ${WANTED_NODE} or newer with SQLite ${WANTED_SQLITE} or newer.`,
    `This is Node ${process.versions.node} on ${platform}, and ${why}.`,
    'Install the newest Node 24 from https://nodejs.org and try again.',
  ].join('\n');
}

/** Whether npm has finished since the lockfile was changed; bin/flaghoist asks the same. */
function isInstalled() {
  const changed = (file) => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return changed(installed) >= changed(lockfile);
}

async function install(own) {
  await npmCi(own);
  const { stdout } = spawnSync(packagedNode, ['--version'], { encoding: 'utf8' });
  if (!stdout?.startsWith('v')) {
    // npm passes over an optional package that it cannot fetch or unpack, and still exits with 0.
    fs.rmSync(path.join(modules, `node-${platform}`), { recursive: true, force: true });
    if (!own) giveUp(needsNode('the packaged one did not arrive through npm or does not run here'));
  }
  // A `node` in there would stand in for the machine's in every npm command, and on Windows could not be replaced.
  for (const shim of ['node', 'node.cmd', 'node.ps1']) fs.rmSync(path.join(modules, '.bin', shim), { force: true });
}

async function npmCi(own) {
  process.stderr.write('flaghoist: installing dependencies with npm ci, which takes a while\n');
  const args = 'ci --include=dev --include=optional --engine-strict=false --loglevel=error';
  const settings = { cwd: root, env: npmEnvironment(own), stdio: ['ignore', 'ignore', 'inherit'] };
  // On Windows npm is a .cmd file, which only a shell starts.
  const child = windows ? spawn(`npm ${args}`, { ...settings, shell: true }) : spawn('npm', args.split(' '), settings);
  const stop = (signal) => {
    // By itself npm would finish what it is at.
    child.kill('SIGKILL');
    giveUp(`stopped by ${signal}; the next command starts again.`, 128 + constants.signals[signal]);
  };
  for (const signal of STOPPING) process.once(signal, stop);
  const [code] = await once(child, 'close').catch(({ message }) =>
    giveUp(`npm does not start (${message}). Install npm; it comes with Node.`),
  );
  for (const signal of STOPPING) process.off(signal, stop);
  if (code !== 0) giveUp('npm ci failed, see above. Mend what it names (network? proxy?) and try again.');
}

function npmEnvironment(own) {
  // npm must run under the machine's Node: it is going to delete the packaged one.
  const entries = (process.env.PATH ?? '').split(path.delimiter);
  const outside = entries.filter((entry) => !entry.split(/[\\/]/).includes('node_modules'));
  const env = { ...process.env, PATH: outside.join(path.delimiter) };
  const preload = JSON.stringify(path.join(root, 'scripts/npm-for-node-24.cjs'));
  return own ? env : { ...env, NODE_OPTIONS: `${env.NODE_OPTIONS ?? ''} --require ${preload}` };
}

/** Of several set-ups of this clone, the one that could write its process id into the lock works. */
async function oneAtATime(work) {
  for (let told = false; !takeLock(); told = true) {
    if (!told) process.stderr.write('flaghoist: waiting for another set-up of this clone\n');
    await sleep(200);
  }
  const release = () => fs.rmSync(lock, { force: true });
  process.once('exit', release);
  await work();
  process.off('exit', release);
  release();
}

function takeLock() {
  try {
    fs.mkdirSync(path.dirname(lock), { recursive: true });
    fs.writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') giveUp(`not set up yet, and ${root} cannot be written to (${error.code}).`);
  }
  try {
    process.kill(Number(fs.readFileSync(lock, 'utf8')), 0);
  } catch (error) {
    if (error.code === 'ESRCH') fs.rmSync(lock, { force: true }); // its owner was killed
  }
  return false;
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await setUp();

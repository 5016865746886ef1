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
// A copy of the lockfile, so that bin/flaghoist can compare it without starting Node. `npm ci` removes it.
const stamp = path.join(modules, `.set-up-for-${platform}`);
const lock = path.join(root, '.cache', 'set-up.lock');

/** Why the set-up cannot go on, as a sentence for the user. */
class SetUpError extends Error {
  constructor(message, exitCode = 2) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Sets the clone up if it is not; on failure says why on stderr and ends the process.
 * @returns {Promise<string>} the path of a Node that runs Flaghoist
 */
export async function setUpOrExit() {
  try {
    return await setUp();
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    process.stderr.write(`flaghoist: ${error.message}\n`);
    return process.exit(error.exitCode);
  }
}

async function setUp() {
  const own = ownNodeIsGood();
  if (!own && !PACKAGED_FOR.includes(platform)) throw new SetUpError(needsNode('npm has none for it'));
  const ready = () => isStamped() && (own || fs.existsSync(packagedNode));
  if (!ready()) await oneAtATime(async () => ready() || (await install(own)));
  return own ? process.execPath : packagedNode;
}

function ownNodeIsGood() {
  const { node, sqlite = '0' } = process.versions;
  return atLeast(node, WANTED_NODE) && atLeast(sqlite, WANTED_SQLITE);
}

const atLeast = (version, wanted) => version.localeCompare(wanted, 'en', { numeric: true }) >= 0;

function needsNode(why) {
  return [
    `needs Node ${WANTED_NODE} or newer with SQLite ${WANTED_SQLITE} or newer.`,
    `This is Node ${process.versions.node} on ${platform}, and ${why}.`,
    'Install the newest Node 24 from https://nodejs.org and try again.',
  ].join('\n');
}

function isStamped() {
  return fs.existsSync(stamp) && fs.readFileSync(stamp).equals(fs.readFileSync(lockfile));
}

async function install(own) {
  fs.rmSync(stamp, { force: true });
  if (!matchesLockfile() || !(own || packagedNodeRuns())) await npmCi(own);
  if (!packagedNodeRuns()) {
    // npm passes over an optional package that it cannot fetch or unpack, and still exits with 0.
    fs.rmSync(path.join(modules, `node-${platform}`), { recursive: true, force: true });
    if (!own) throw new SetUpError(needsNode('the packaged one did not arrive through npm or does not run here'));
  }
  // A `node` in there would stand in for the machine's in every npm command, and on Windows could not be replaced.
  for (const shim of ['node', 'node.cmd', 'node.ps1']) fs.rmSync(path.join(modules, '.bin', shim), { force: true });
  fs.copyFileSync(lockfile, stamp);
}

function packagedNodeRuns() {
  return spawnSync(packagedNode, ['--version'], { encoding: 'utf8' }).stdout?.startsWith('v') ?? false;
}

/** Whether an `npm install` by hand has already put everything in place: npm notes at its end what it installed. */
function matchesLockfile() {
  try {
    const packagesOf = (file) => JSON.parse(fs.readFileSync(file, 'utf8')).packages;
    const wanted = packagesOf(lockfile);
    const installed = packagesOf(path.join(modules, '.package-lock.json'));
    return Object.entries(wanted).every(([name, entry]) => {
      if (name === '' || (entry.optional && !installed[name] && !isForHere(entry))) return true;
      return installed[name] !== undefined && installed[name].integrity === entry.integrity;
    });
  } catch {
    return false;
  }
}

function isForHere({ os, cpu, libc }) {
  return os?.includes(process.platform) && cpu?.includes(process.arch) && !libc?.includes('musl');
}

async function npmCi(own) {
  const began = Date.now();
  process.stderr.write('flaghoist: installing dependencies with npm ci ... ');
  const flags = '--include=dev --include=optional --engine-strict=false --loglevel=error';
  const { code, stopped, error, output } = await npm(`ci ${flags}`, npmEnvironment(own));
  process.stderr.write(`${code === 0 ? '' : 'failed after '}${((Date.now() - began) / 1000).toFixed(1)} s\n`);
  if (stopped)
    throw new SetUpError(`stopped by ${stopped}; the next command starts again.`, 128 + constants.signals[stopped]);
  if (error) throw new SetUpError(`npm does not start (${error.message}). Install npm; it comes with Node.`);
  if (code === 0) return;
  const offline = /\bE(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH|HOSTUNREACH|NOTCACHED)\b/.test(
    output,
  );
  const hint = offline ? 'npm cannot reach its registry: check network and proxy, and try again.' : 'npm ci failed.';
  throw new SetUpError(`${hint} What npm says:\n${output.trim()}`);
}

function npmEnvironment(own) {
  // npm must run under the machine's Node: it is going to delete the packaged one.
  const entries = (process.env.PATH ?? '').split(path.delimiter);
  const outside = entries.filter((entry) => !entry.split(/[\\/]/).includes('node_modules'));
  const env = { ...process.env, PATH: outside.join(path.delimiter) };
  const preload = JSON.stringify(path.join(root, 'scripts/npm-for-node-24.cjs'));
  return own ? env : { ...env, NODE_OPTIONS: `${env.NODE_OPTIONS ?? ''} --require ${preload}` };
}

/** Runs npm to its end; what would stop this process kills npm first, which would finish what it is at. */
async function npm(args, env) {
  const stopping = new AbortController();
  const stop = (name) => stopping.abort(name);
  for (const name of STOPPING) process.on(name, stop);
  const { signal } = stopping;
  const settings = { cwd: root, env, signal, killSignal: 'SIGKILL', stdio: ['ignore', 'pipe', 'pipe'] };
  // On Windows npm is a .cmd file, which only a shell starts.
  const child = windows ? spawn(`npm ${args}`, { ...settings, shell: true }) : spawn('npm', args.split(' '), settings);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const end = await once(child, 'close').then(
    ([code]) => ({ code }),
    (error) => ({ error }),
  );
  for (const name of STOPPING) process.off(name, stop);
  return { ...end, stopped: signal.reason, output };
}

/** Of several set-ups of this clone, the one that could write its process id into the lock works. */
async function oneAtATime(work) {
  for (let told = false; !takeLock(); told = true) {
    if (!told) process.stderr.write('flaghoist: waiting for another set-up of this clone\n');
    await sleep(200);
  }
  try {
    await work();
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

function takeLock() {
  try {
    fs.mkdirSync(path.dirname(lock), { recursive: true });
    fs.writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST')
      throw new SetUpError(`not set up yet, and ${root} cannot be written to (${error.code}).`);
  }
  try {
    process.kill(Number(fs.readFileSync(lock, 'utf8')), 0);
  } catch (error) {
    if (error.code === 'ESRCH') fs.rmSync(lock, { force: true }); // its owner was killed
  }
  return false;
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await setUpOrExit();

// Makes a clone ready: installs the dependencies and finds a Node that runs Flaghoist; quick when there is nothing to do.
// Plain JavaScript for any Node from 18 on, without dependencies, because it runs before there are any.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const WANTED_NODE = '24.14.1';
const WANTED_SQLITE = '3.51.3';
const PACKAGED_FOR = ['linux-arm64', 'linux-x64', 'win-x64'];
const STOP_PATIENCE_MS = 1_000;
const LOCK_BEAT_MS = 1_000;
const LOCK_STALE_MS = 10_000;

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

function atLeast(version, wanted) {
  const have = version.split('.').map((part) => Number.parseInt(part, 10));
  const want = wanted.split('.').map(Number);
  const differs = want.findIndex((number, index) => number !== have[index]);
  return differs === -1 || have[differs] > want[differs];
}

function needsNode(why) {
  return [
    `needs Node ${WANTED_NODE} or newer with SQLite ${WANTED_SQLITE} or newer.`,
    `This is Node ${process.versions.node} on ${platform}, and ${why}.`,
    'Install Node 24 or newer from https://nodejs.org and try again.',
  ].join('\n');
}

function isStamped() {
  try {
    return fs.readFileSync(stamp).equals(fs.readFileSync(lockfile));
  } catch {
    return false;
  }
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
  const flags = [
    '--include=dev --include=optional --engine-strict=false --no-audit --no-fund --loglevel=error',
    '--fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=10000',
  ].join(' ');
  // On Windows npm is a .cmd file, which only a shell starts.
  const npm = spawn(windows ? `npm ci ${flags}` : 'npm', windows ? [] : ['ci', ...flags.split(' ')], {
    cwd: root,
    env: npmEnvironment(own),
    shell: windows,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { code, stopped, error, output } = await endOf(npm);
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

/** Waits for a child; what would stop this process stops the child first. */
function endOf(child) {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  return new Promise((resolve) => {
    let stopped;
    let impatience;
    const stop = (signal) => {
      stopped = signal;
      child.kill(signal);
      impatience ??= setTimeout(() => child.kill('SIGKILL'), STOP_PATIENCE_MS); // npm would finish what it is at
    };
    const finish = (end) => {
      clearTimeout(impatience);
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(signal, stop);
      resolve({ ...end, stopped, output });
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
    child.on('error', (error) => finish({ error }));
    child.on('close', (code) => finish({ code }));
  });
}

/** Of several set-ups of this clone, the one that could make the lock directory works; it touches it while it lives. */
async function oneAtATime(work) {
  for (let told = false; !takeLock(); told = true) {
    if (!told) process.stderr.write('flaghoist: waiting for another set-up of this clone\n');
    await sleep(200);
  }
  const beat = setInterval(() => fs.utimes(lock, new Date(), new Date(), () => {}), LOCK_BEAT_MS);
  try {
    await work();
  } finally {
    clearInterval(beat);
    fs.rmSync(lock, { recursive: true, force: true });
  }
}

function takeLock() {
  try {
    fs.mkdirSync(path.dirname(lock), { recursive: true });
    fs.mkdirSync(lock);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST')
      throw new SetUpError(`not set up yet, and ${root} cannot be written to (${error.code}).`);
  }
  const touched = fs.statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  if (Date.now() - touched > LOCK_STALE_MS) fs.rmSync(lock, { recursive: true, force: true }); // its owner was killed
  return false;
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await setUpOrExit();

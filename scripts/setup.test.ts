import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const platform = `linux-${process.arch}`;

/** Stands in for npm: notes that it ran, then installs a packaged Node, fails, or takes its time, as told. */
const NPM = `#!/bin/sh
echo "$*" >> ../npm.log
rm -rf node_modules
case $NPM_DOES in
  fails) echo 'npm error code ENOTFOUND' >&2; exit 1 ;;
  passes-node-over) mkdir node_modules; touch node_modules/.package-lock.json; exit 0 ;;
  hangs) exec sleep 60 ;;
  slowly) sleep 1 ;;
esac
mkdir -p node_modules/node-${platform}/bin
printf '#!/bin/sh\\nunset NODE_OPTIONS\\nexec "%s" "$@"\\n' "$REAL_NODE" > node_modules/node-${platform}/bin/node
chmod +x node_modules/node-${platform}/bin/node
touch node_modules/.package-lock.json
`;

/** Loaded into Node by NODE_OPTIONS: makes it look too old. */
const OLD_NODE = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.4' } });`;

const MAIN = `
  const [first, ...rest] = process.argv.slice(2);
  if (first === 'exit') process.exit(Number(rest[0]));
  else if (first === 'wait') {
    setInterval(() => {}, 1000);
    for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => { console.log(signal); process.exit(7); });
    console.log('waiting');
  } else console.log(JSON.stringify({ args: process.argv.slice(2), cwd: process.cwd(), parent: process.ppid }));
`;

let base: string;
let clone: string;

beforeEach(() => {
  base = fs.mkdtempSync(join(fs.realpathSync(tmpdir()), 'flaghoist set-up '));
  clone = join(base, 'a clone');
  const put = (name: string, text: string, mode = 0o644) => {
    fs.mkdirSync(join(base, name, '..'), { recursive: true });
    fs.writeFileSync(join(base, name), text, { mode });
  };
  for (const name of [
    'scripts/setup.mjs',
    'scripts/run.mjs',
    'scripts/npm-for-node-24.cjs',
    'bin/flaghoist',
    'package-lock.json',
  ]) {
    fs.cpSync(join(root, name), join(clone, name));
  }
  put('a clone/packages/flaghoist/src/main.ts', MAIN);
  put('a clone/package.json', '{ "type": "module" }');
  put('old.cjs', OLD_NODE);
  put('path/npm', NPM, 0o755);
  fs.symlinkSync(process.execPath, join(base, 'path/node'));
});

afterEach(() => fs.rmSync(base, { recursive: true }));

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

function start(command: readonly string[], environment: Record<string, string> = { OLD: 'yes' }): ChildProcess {
  const [program = '', ...args] = command;
  const { OLD, ...others } = environment;
  const options = OLD ? { NODE_OPTIONS: `--require ${JSON.stringify(join(base, 'old.cjs'))}` } : {};
  const PATH = `${join(base, 'path')}:/usr/bin:/bin`;
  return spawn(program, args, {
    cwd: base,
    env: { PATH, REAL_NODE: process.execPath, ...options, ...others },
  });
}

function end(child: ChildProcess): Promise<Ended> {
  const text = { out: '', err: '' };
  child.stdout?.on('data', (chunk) => {
    text.out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    text.err += chunk;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...text })));
}

const ended = (command: readonly string[], environment?: Record<string, string>) => end(start(command, environment));
const heard = (child: ChildProcess) => new Promise((resolve) => child.stdout?.once('data', resolve));
const installs = () => fs.readFileSync(join(base, 'npm.log'), 'utf8').trim().split('\n').length;
const run = (...args: string[]) => [process.execPath, join(clone, 'scripts/run.mjs'), 'flaghoist', ...args];
const binary = (...args: string[]) => [join(clone, 'bin/flaghoist'), ...args];

describe.skipIf(process.platform !== 'linux')('set-up (needs Linux)', () => {
  test('the first command installs and says so in one line, the next ones are silent', async () => {
    const first = await ended(run('one', 'two words', ''));
    expect(first.err).toMatch(/^flaghoist: installing dependencies with npm ci.*\n$/);
    expect(JSON.parse(first.out)).toMatchObject({ args: ['one', 'two words', ''], cwd: base });
    expect(await ended(run('again'))).toMatchObject({ code: 0, err: '' });
    expect(await ended(binary('again'))).toMatchObject({ code: 0, err: '' });
    expect(installs()).toBe(1);
    fs.appendFileSync(join(clone, 'package-lock.json'), '\n');
    expect((await ended(binary('changed'))).err).toMatch(/installing/);
    expect(installs()).toBe(2);
  });

  test('what somebody has installed by hand is taken as it is, until the lockfile changes', async () => {
    fs.mkdirSync(join(clone, 'node_modules'));
    fs.writeFileSync(join(clone, 'node_modules/.package-lock.json'), '{}');
    expect(await ended(run('x'), {})).toMatchObject({ code: 0, err: '' });
    fs.appendFileSync(join(clone, 'package-lock.json'), '\n');
    expect(await ended(run('x'), {})).toMatchObject({ code: 0, err: expect.stringMatching(/installing/) });
  });

  test('bin/flaghoist works through links, and becomes the program', async () => {
    fs.symlinkSync('a clone/bin/flaghoist', join(base, 'one'));
    fs.symlinkSync(join(base, 'one'), join(base, 'path/two'));
    const { out, code } = await ended(['/usr/bin/env', 'two', 'a b', '$HOME', '"']);
    expect({ ...JSON.parse(out), code }).toMatchObject({
      args: ['a b', '$HOME', '"'],
      parent: process.pid,
      code: 0,
    });
  });

  test('a good Node of the machine is used as it is, in the same process', async () => {
    const { out, code } = await ended(run('x'), { NPM_DOES: 'passes-node-over' });
    expect({ ...JSON.parse(out), code }).toMatchObject({ args: ['x'], parent: process.pid, code: 0 });
    expect(await ended(binary('x'), {})).toMatchObject({ code: 0, err: '' });
    expect(installs()).toBe(1);
    // The same clone with an older Node: the packaged one is fetched.
    expect(await ended(binary('x'))).toMatchObject({ code: 0 });
    expect(installs()).toBe(2);
  });

  test.each(['old', 'good'])('the exit code and signals pass through (%s Node)', async (age) => {
    const environment: Record<string, string> = age === 'old' ? { OLD: 'yes' } : {};
    for (const command of [run, binary]) {
      expect(await ended(command('exit', '3'), environment)).toMatchObject({ code: 3 });
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        const child = start(command('wait'), environment);
        const result = end(child);
        await heard(child);
        child.kill(signal);
        expect(await result).toMatchObject({ code: 7, out: `waiting\n${signal}\n` });
      }
    }
  });

  test('a packaged Node that npm passed over is missed, in words', async () => {
    const { code, err } = await ended(run('x'), { OLD: 'yes', NPM_DOES: 'passes-node-over' });
    expect(code).toBe(2);
    expect(err).toMatch(/needs Node 24\.15\.0 or newer.*This is Node 18\.20\.4.*did not arrive through npm/s);
    expect(await ended(run('x'))).toMatchObject({ code: 0 });
  });

  test('without network npm says the reason, and nothing goes on', async () => {
    const { code, err } = await ended(run('x'), { OLD: 'yes', NPM_DOES: 'fails' });
    expect(code).toBe(2);
    expect(err).toMatch(/ENOTFOUND.*npm ci failed, see above.*network/s);
  });

  test('two at once: one installs, the other waits', async () => {
    const slowly = { OLD: 'yes', NPM_DOES: 'slowly' };
    const both = await Promise.all([ended(run('x'), slowly), ended(binary('x'), slowly)]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.map(({ err }) => err).join()).toMatch(/waiting for another set-up/);
    expect(installs()).toBe(1);
  });

  test('interrupted, it is half done, says so, and the next one starts again', async () => {
    const child = start(run('x'), { OLD: 'yes', NPM_DOES: 'hangs' });
    const result = end(child);
    await expect.poll(() => fs.existsSync(join(base, 'npm.log')), { timeout: 15_000 }).toBe(true);
    child.kill('SIGINT');
    expect(await result).toMatchObject({ code: 130, err: expect.stringMatching(/stopped by SIGINT/) });
    expect(await ended(run('x'))).toMatchObject({ code: 0 });
  });

  test('the lock of a set-up that was killed does not last', async () => {
    const lock = join(clone, '.cache/set-up.lock');
    fs.mkdirSync(join(lock, '..'));
    fs.writeFileSync(lock, String(spawnSync('true').pid));
    expect(await ended(run('x'))).toMatchObject({ code: 0 });
    expect(fs.existsSync(lock)).toBe(false);
  });
});

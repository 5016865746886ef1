/** Runs disk-process.ts for one kind of fault, with what that needs of the machine. */
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./disk-process.ts', import.meta.url));
const SHIM = path.join(import.meta.dirname, 'failing-disk.c');

const runs = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;

/** In a mount namespace of its own, so that nothing of it is left, whatever happens. */
const OWN_MOUNTS = ['--user', '--map-root-user', '--mount'];
const MOUNT = 'mount -t tmpfs -o size=6m tmpfs "$TMPDIR" && exec "$@"';

/** What a kind of fault needs, and whether that is here. */
export const POSSIBLE = {
  tmpfs: runs('unshare', ...OWN_MOUNTS, 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'),
  prlimit: runs('prlimit', '--pid', String(process.pid)),
  compiler: runs('cc', '--version') && process.platform === 'linux',
};

export const KINDS: Readonly<Record<string, keyof typeof POSSIBLE>> = {
  'full file system': 'tmpfs',
  'limited files': 'prlimit',
  'ENOSPC of a write': 'compiler',
  'EIO of a write': 'compiler',
  'EROFS of a write': 'compiler',
  'EIO of a sync': 'compiler',
};

/** At how many of the writes it failed, of those that were tried. @throws what did not hold */
export function failAtWrites(kind: string, { from = 1, step = 1 }: { from?: number; step?: number } = {}): number {
  const directory = fs.mkdtempSync(path.join(tmpdir(), 'flaghoist-disk-'));
  try {
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM, kind, String(from), String(step)];
    const needs = KINDS[kind];
    const env: NodeJS.ProcessEnv = { ...process.env, TMPDIR: directory };
    if (needs === 'compiler') Object.assign(env, preloaded(directory));
    const command = needs === 'tmpfs' ? ['unshare', ...OWN_MOUNTS, 'sh', '-c', MOUNT, 'sh', ...node] : node;
    const [program = '', ...args] = command;
    const { status, stdout, stderr } = spawnSync(program, args, { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${kind}: ${stdout.trim().split('\n').at(-1)}\n${stderr}`);
    return stdout.trim().split('\n').length - 1;
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

function preloaded(directory: string): NodeJS.ProcessEnv {
  const library = path.join(directory, 'failing-disk.so');
  const control = path.join(directory, 'control');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, SHIM, '-ldl']);
  fs.writeFileSync(control, Buffer.alloc(32));
  return { LD_PRELOAD: library, FAILING_DISK: control };
}

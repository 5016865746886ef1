// Builds the real Supervisor and Collector through the Go proxy, once per content of their inputs.
// `node interop/build.ts` prints where they are; the tests and `flaghoist demo --real` look in the same place.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename, join } from 'node:path';

export interface Binaries {
  readonly supervisor: string;
  readonly collector: string;
}

const VERSION = 'v0.149.0';
const BUILDER = `go.opentelemetry.io/collector/cmd/builder@${VERSION}`;
const SUPERVISOR = 'github.com/open-telemetry/opentelemetry-collector-contrib/cmd/opampsupervisor';
const INPUTS = ['build.ts', 'supervisor/go.mod', 'supervisor/go.sum', 'collector/manifest.yaml'];
const HERE = import.meta.dirname;
export const CACHE = process.env['FLAGHOIST_INTEROP_CACHE'] ?? join(HERE, '../.cache/interop');

function inputsKey(): string {
  const hash = createHash('sha256').update(`${process.platform}/${process.arch}`);
  for (const name of INPUTS) hash.update(`\0${name}\0`).update(readFileSync(join(HERE, name)));
  return hash.digest('hex').slice(0, 16);
}

/** Runs `go` at low priority, so that a build in the background leaves the machine usable. */
async function go(args: readonly string[], cwd: string): Promise<void> {
  const started = performance.now();
  const flags = `${process.env['GOFLAGS'] ?? ''} -buildvcs=false`;
  const env = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: flags.trim() };
  const child = spawn('go', args, { cwd, env, stdio: ['ignore', 2, 2] });
  if (child.pid !== undefined) setPriority(child.pid, 10);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('exit', resolve);
    child.on('error', (cause) =>
      reject(new Error('cannot run "go": the interop tests need Go 1.25 or newer', { cause })),
    );
  });
  if (code !== 0) throw new Error(`go ${args.join(' ')} ended with ${code}`);
  console.error(`interop: go ${args[0]} took ${((performance.now() - started) / 1000).toFixed(0)} s`);
}

async function buildInto(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const output = join(directory, 'opampsupervisor');
  await go(['build', '-trimpath', '-ldflags=-s -w', '-o', output, SUPERVISOR], join(HERE, 'supervisor'));
  // The builder writes the Collector's main program into ./build (the manifest's output_path) and compiles it.
  await go(['run', BUILDER, `--config=${join(HERE, 'collector/manifest.yaml')}`], directory);
  copyFileSync(join(directory, 'build/fleetcol'), join(directory, 'fleetcol'));
  rmSync(join(directory, 'build'), { recursive: true });
}

/** The two binaries, built if these inputs have not been built before. Needs Go only then. */
export async function build(): Promise<Binaries> {
  const directory = join(CACHE, inputsKey());
  if (!existsSync(directory)) {
    console.error('interop: building the Supervisor and the Collector (minutes, once)');
    const scratch = `${directory}.${process.pid}`;
    try {
      await buildInto(scratch);
      renameSync(scratch, directory);
    } catch (error) {
      rmSync(scratch, { recursive: true, force: true });
      if (!existsSync(directory)) throw error; // else another build was first
    }
  }
  const current = join(CACHE, 'current');
  rmSync(current, { force: true });
  symlinkSync(basename(directory), current);
  return { supervisor: join(directory, 'opampsupervisor'), collector: join(directory, 'fleetcol') };
}

if (import.meta.main) console.log(JSON.stringify(await build(), null, 2));

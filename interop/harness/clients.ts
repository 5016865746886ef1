// Agents on other people's OpAMP clients, as processes that print what they are offered, one JSON object per line.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from '../build.ts';
import { Child } from './child.ts';
import type { Lab } from './lab.ts';

const CLIENTS = join(import.meta.dirname, '../clients');

function run(what: string, command: string, args: readonly string[], cwd: string): void {
  const ended = spawnSync(command, args, { cwd, env: { ...process.env, CGO_ENABLED: '0' }, encoding: 'utf8' });
  if (ended.status !== 0) throw new Error(`${what}: ${ended.stderr || ended.error}`, { cause: ended.error });
}

/** Made once per content of the folder that it is made from. */
function made(folder: string, file: string, make: (target: string) => void): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder).sort()) hash.update(`${name}\0`).update(readFileSync(join(folder, name)));
  const target = join(CACHE, 'clients', hash.digest('hex').slice(0, 16), file);
  if (!existsSync(target)) make(target);
  return target;
}

/** The Python that has OpenTelemetry's OpAMP client. */
function python(): string {
  const folder = join(CLIENTS, 'python');
  return made(folder, 'venv/bin/ready', (ready) => {
    const venv = join(ready, '../..');
    run('a virtual environment for Python', 'python3', ['-m', 'venv', '--clear', venv], folder);
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt'];
    run('the Python client', join(venv, 'bin/python'), install, folder);
    run('the Python client', 'ln', ['-s', 'python', ready], folder);
  });
}

/** The gateway that carries many agents, on this version of opamp-go's messages. */
function gateway(version: string): string {
  const folder = join(CLIENTS, 'go');
  const modfile = existsSync(join(folder, `opamp-go-${version}.mod`)) ? [`-modfile=opamp-go-${version}.mod`] : [];
  return made(folder, `gateway-${version}`, (target) => {
    run('the Go gateway', 'go', ['build', '-buildvcs=false', ...modfile, '-o', target, '.'], folder);
  });
}

/** Versions of opamp-go whose messages the gateway speaks. */
export const GATEWAYS = ['0.23.0', '0.24.0'];

/** The parser that the Supervisor is built with. */
function parser(): string {
  const folder = join(import.meta.dirname, '../supervisor');
  return made(join(folder, 'parse'), 'parse', (target) => {
    run("the Supervisor's parser", 'go', ['build', '-buildvcs=false', '-o', target, './parse'], folder);
  });
}

/** What is wrong with each text in the words of the Supervisor's parser; empty when nothing is. */
export function parsed(texts: readonly string[]): string[] {
  const input = texts.map((text) => `${JSON.stringify(text)}\n`).join('');
  const { stdout, stderr, status } = spawnSync(parser(), { input, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
  if (status !== 0) throw new Error(`the Supervisor's parser: ${stderr}`);
  return stdout
    .trimEnd()
    .split('\n')
    .map((line): string => JSON.parse(line));
}

/** Makes what is not made yet: minutes on a new machine, nothing later. */
export function buildClients(): void {
  python();
  for (const version of GATEWAYS) gateway(version);
  parser();
}

type Event = Readonly<Record<string, string>>;

/** A running agent, or a gateway with several. */
export class Client {
  readonly #child: Child;

  constructor(lab: Lab, name: string, command: string, args: readonly string[]) {
    this.#child = new Child(command, args, join(lab.directory, `${name}.log`));
    lab.onClose(() => this.#child.end('SIGTERM'));
  }

  /** What it printed so far. Its own log lines are none of ours. */
  events(): Event[] {
    const lines = this.#child.log().split('\n');
    return lines.filter((line) => line.startsWith('{')).map((line): Event => JSON.parse(line));
  }

  /** Hashes of the offers it heard, in order. */
  offers(): string[] {
    return this.events().flatMap(({ offer }) => (offer === undefined ? [] : [offer]));
  }

  end(): Promise<void> {
    return this.#child.end('SIGKILL');
  }
}

export const startPython = (lab: Lab, endpoint: string, role: string): Client =>
  new Client(lab, role, python(), [join(CLIENTS, 'python/agent.py'), endpoint, role]);

export const startNode = (lab: Lab, endpoint: string, role: string): Client =>
  new Client(lab, role, process.execPath, [join(CLIENTS, 'node/agent.mjs'), endpoint, role]);

export const startGateway = (lab: Lab, version: string, endpoint: string, role: string, agents: number): Client =>
  new Client(lab, role, gateway(version), [endpoint, role, String(agents)]);

// What `npm run package` builds, as somebody else gets it: packed, unpacked into a project of its own, compiled against
// and run. The API report is written by `npx vitest run --project scripts scripts/package.test.ts -u`.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { decodeServerToAgent, encodeAgentToServer, newUuidV7 } from '@flaghoist/opamp';
import { failed, MemoryAgent } from '@flaghoist/opamp/testing';
import { Extractor, ExtractorConfig, type ExtractorMessage, ExtractorMessageCategory } from '@microsoft/api-extractor';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { connectWebSocket, httpExchange } from '../packages/opamp/test/client.ts';
import { build } from './package.ts';

const root = dirname(import.meta.dirname);
const modules = join(root, 'node_modules');
const scratch = mkdtempSync(join(tmpdir(), 'flaghoist-package-'));
const built = join(scratch, 'built');
/** Depends on the package, and on nothing that the package does not declare. */
const project = join(scratch, 'project');
let tarball: Uint8Array<ArrayBuffer>;

/** This Node, and the one that npm runs under, when they differ: the package is not only for the newest. */
const nodes = [...new Set([process.execPath, process.env['npm_node_execpath'] ?? process.execPath])].flatMap((node) => {
  const version = execFileSync(node, ['--version']).toString().trim();
  const [, major = 0, minor = 0] = /^v(\d+)\.(\d+)/.exec(version)?.map(Number) ?? [];
  return major > 20 || (major === 20 && minor >= 19) ? [{ node, version }] : [];
});

beforeAll(() => {
  build(built);
  const pack = ['pack', '--json', '--pack-destination', scratch];
  const [{ filename }] = JSON.parse(
    execFileSync('npm', pack, { cwd: built, shell: process.platform === 'win32' }).toString(),
  );
  tarball = new Uint8Array(readFileSync(join(scratch, filename)));
  const installed = join(project, 'node_modules/@flaghoist/opamp');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(scratch, filename), '-C', installed, '--strip-components=1']);
  mkdirSync(join(scratch, 'node_modules'));
  for (const name of ['@bufbuild', '@types', 'undici-types', 'ws'])
    symlinkSync(join(modules, name), join(scratch, 'node_modules', name), 'junction');
}, 120_000);
afterAll(() => rmSync(scratch, { recursive: true }));

test('publint has nothing to say', async () => {
  const { messages } = await publint({ pack: { tarball: tarball.buffer }, strict: true });
  expect(messages).toEqual([]);
});

test('attw: the types are right, and for all that comes before `require` of modules (20.19) there are none', async () => {
  const analysis = await checkPackage(createPackageFromTarballData(tarball));
  if (!analysis.types) throw new Error('there are no types');
  expect(Object.keys(analysis.entrypoints)).toEqual(['.', './node', './testing']);
  expect(analysis.problems.filter(({ kind }) => kind !== 'CJSResolvesToESM')).toEqual([]);
});

test('the API is the one in its report, and everything in it has a description', async () => {
  const everything = "export * from './index.js';\nexport * as node from './node/index.js';\n";
  writeFileSync(join(built, 'all.d.ts'), `${everything}export * as testing from './testing/index.js';\n`);
  const reportFileName = 'opamp.api.md';
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(built, 'package.json'),
    configObject: {
      projectFolder: built,
      mainEntryPointFilePath: join(built, 'all.d.ts'),
      compiler: { overrideTsconfig: { compilerOptions: { module: 'nodenext', target: 'es2023', types: ['node'] } } },
      apiReport: { enabled: true, reportFileName, reportFolder: scratch, reportTempFolder: join(scratch, 'report') },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
    },
  });
  const broken: string[] = [];
  const messageCallback = (message: ExtractorMessage) => {
    message.handled = true;
    if (message.category === ExtractorMessageCategory.Compiler) broken.push(message.text);
  };
  Extractor.invoke(config, { localBuild: true, messageCallback });
  expect(broken).toEqual([]);
  const report = readFileSync(join(scratch, 'report', reportFileName), 'utf8');
  await expect(report).toMatchFileSnapshot(join(root, 'packages/opamp', reportFileName));
  expect(report).not.toContain('(undocumented)');
}, 120_000);

describe('the server of the README', () => {
  beforeAll(() => {
    const readme = readFileSync(join(built, 'README.md'), 'utf8');
    const [, code = ''] = /^```ts\n(.*?)^```/ms.exec(readme.slice(readme.indexOf('## A server'))) ?? [];
    writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(project, 'server.ts'), code);
    // The declarations are checked for the API report.
    const compilerOptions = { strict: true, target: 'es2023', module: 'nodenext', types: ['node'], skipLibCheck: true };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['server.ts'] }));
    execFileSync(process.execPath, [join(modules, 'typescript/bin/tsc')], { cwd: project, stdio: 'inherit' });
  }, 120_000);

  /** It, running under that Node, at this address. */
  async function start(node: string): Promise<string> {
    const child = spawn(node, ['server.js'], { cwd: project, env: { ...process.env, PORT: '0' }, stdio: 'pipe' });
    onTestFinished(async () => {
      child.kill();
      if (child.exitCode === null) await once(child, 'exit');
    });
    const wrong = once(child.stderr, 'data').then(([text]) => Promise.reject(new Error(String(text))));
    const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), wrong]);
    return `127.0.0.1:${/port: (\d+)/.exec(line)?.[1]}/v1/opamp`;
  }

  describe.each(nodes)('under Node $version', ({ node }) => {
    const uid = newUuidV7(1, new Uint8Array(10));
    const patient = { timeout: 10_000 };
    const bodies = ({ offers }: MemoryAgent) =>
      offers.map(({ config }) => Buffer.from(config?.configMap['']?.body ?? []).toString());

    test('gives each WebSocket agent its configuration once, until its server is another one', async () => {
      const address = await start(node);
      for (const outcome of [undefined, failed('no such exporter')]) {
        const agent = new MemoryAgent({ uid, ...(outcome && { outcome }) });
        const heard: string[] = [];
        const client = await connectWebSocket(`ws://${address}`, {
          message: (payload) => {
            const reply = decodeServerToAgent(payload);
            heard.push(reply.errorResponse?.errorMessage ?? 'an answer');
            for (const message of agent.receive(reply)) client.send(encodeAgentToServer(message));
          },
        });
        client.send(encodeAgentToServer(agent.start()));
        await expect.poll(() => bodies(agent), patient).toEqual(['receivers: {}\n']);
        client.send(encodeAgentToServer(agent.report()));
        client.send(Uint8Array.of(0xff));
        await expect.poll(() => heard.at(-1), patient).toContain('not a protobuf AgentToServer');
        expect(bodies(agent)).toHaveLength(1);
        client.close();
      }
    });

    test('and each HTTP agent', async () => {
      const address = await start(node);
      const agent = new MemoryAgent({ uid });
      const queue = [agent.start()];
      for (let message = queue.shift(); message !== undefined; message = queue.shift()) {
        const { status, payload } = await httpExchange(`http://${address}`, encodeAgentToServer(message), {
          gzip: true,
        });
        expect(status).toBe(200);
        queue.push(...agent.receive(decodeServerToAgent(payload)));
      }
      expect(bodies(agent)).toEqual(['receivers: {}\n']);
    });
  });
});

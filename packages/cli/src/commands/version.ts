import own from '../../package.json' with { type: 'json' };
import { command } from '../command.ts';
import { print } from '../output/print.ts';
import type { Session } from '../session.ts';

const SERVER_MS = 1_000;

/** Also tells of the server when there is one; that there is none is no error. */
async function version(session: Session): Promise<undefined> {
  const { baseUrl, stdout } = session;
  const answer = session.client.getVersion({}, { signal: AbortSignal.timeout(SERVER_MS) });
  const server = await answer.then((found) => ({ ...found, url: baseUrl })).catch(() => null);
  const client = { version: own.version, node: process.versions.node };
  const lines = [`flaghoist ${own.version} (Node ${client.node})`, `server ${server?.version ?? 'none'} at ${baseUrl}`];
  await print(session, { client, server }, [`flaghoist/${own.version}`], () => stdout.print(lines));
}

export const versionCommands = [command('version', 'versions of this program and of the server', [], version)];

/** The commands that belong to no kind of object. */
import { createClient } from '@flaghoist/api';
import type { Problem } from '@flaghoist/fleet';
import own from '../../package.json' with { type: 'json' };
import { command } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { type Kind, print, printItems } from '../output/print.ts';
import { calledFile, readText } from '../read-text.ts';
import type { Session } from '../session.ts';
import { events } from './events.ts';

const place = ({ file, line, column }: Problem): string => `${file}:${line}:${column}`;

const PROBLEM: Kind<Problem> = {
  name: place,
  columns: () => [
    { header: 'PLACE', cell: place },
    { header: 'RULE', cell: ({ rule }) => rule },
    { header: 'MESSAGE', cell: ({ message }) => message },
  ],
};

/** What is wrong with a text, without a server. */
async function check(session: Session, _: object, path: string): Promise<number> {
  const body = await readText(session, path);
  const file = calledFile(path);
  const { checkText } = await import('@flaghoist/fleet');
  const problems = checkText({ '': { body, contentType: 'text/yaml' } }).map((one) => ({ ...one, file }));
  await printItems(session, PROBLEM, problems, 'no problems');
  return problems.length === 0 ? ExitCode.ok : ExitCode.negative;
}

const SERVER_MS = 1_000;

/** Also tells of the server when there is one; that there is none is no error. */
async function version(session: Session): Promise<undefined> {
  const address = session.address();
  const server = await createClient({ ...address, timeout: SERVER_MS })
    .getVersion()
    .catch(() => null);
  const client = { version: own.version, node: process.versions.node };
  const there = `${server?.version ?? 'none'} at ${address.baseUrl}`;
  await print(
    session,
    { client, server: server && { ...server, url: address.baseUrl } },
    {
      names: [`flaghoist/${own.version}`],
      text: () => `flaghoist ${own.version} (Node ${client.node})\nserver ${there}\n`,
    },
  );
}

export const otherCommands = [
  command('events', 'what happened', ['follow', 'after'], events),
  command('check <file>', 'find what is wrong with a text, offline; - for standard input', [], check),
  command('version', 'versions of this program and of the server', [], version),
];

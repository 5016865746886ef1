import type { Configuration, Revision } from '@flaghoist/api';
import { command } from '../command.ts';
import { CliError, ExitCode } from '../exit-code.ts';
import { paintDiff } from '../output/diff.ts';
import { type Kind, listing, print } from '../output/print.ts';
import { ago, filesText, oneLine } from '../output/text.ts';
import { bare, parseReference, resolveReference } from '../references.ts';
import type { Session } from '../session.ts';

const CONFIGURATION: Kind<Configuration> = {
  name: ({ name }) => `configuration/${name}`,
  columns: (session) => [
    { header: 'NAME', cell: ({ name }) => name },
    { header: 'LATEST', cell: ({ name, latest }) => (latest === 0 ? '-' : `${name}@${latest}`) },
    { header: 'GROUPS', cell: ({ groups }) => groups.join(',') || '-', least: 10 },
    { header: 'CREATED', cell: ({ createdAt }) => ago(createdAt, session.now()) },
    { header: 'BY', cell: ({ createdBy }) => createdBy, wide: true },
    { header: 'DESCRIPTION', cell: ({ description }) => description, least: 16 },
  ],
};

const REVISION: Kind<Revision> = {
  name: ({ configuration, number }) => `${configuration}@${number}`,
  columns: (session) => [
    { header: 'REVISION', cell: (revision) => REVISION.name(revision) },
    { header: 'SAVED', cell: ({ createdAt }) => ago(createdAt, session.now()) },
    { header: 'AUTHOR', cell: ({ author }) => author, least: 8 },
    { header: 'BYTES', cell: ({ bytes }) => String(bytes), right: true },
    { header: 'HASH', cell: ({ hash }) => (session.options.output === 'wide' ? hash : hash.slice(0, 12)) },
    { header: 'MESSAGE', cell: ({ message }) => message, least: 20 },
  ],
};

/** The text goes to stdout, so that it can be piped; whose it is goes to stderr. `-o yaml` is what `apply` takes. */
async function show(session: Session, _: object, reference: string): Promise<undefined> {
  const { client } = session;
  const { configuration: name, revision: which } = await resolveReference(client, parseReference(reference, 'latest'));
  const revision = await client.getRevision({ name, revision: which });
  const { author, message, createdAt, hash, files } = revision;
  if (session.inWords()) {
    const by = oneLine(`${author}: ${message}`);
    const saved = ago(createdAt, session.now());
    session.note(`${REVISION.name(revision)} (${hash.slice(0, 12)}), saved ${saved} by ${by}\n`);
  }
  await print(session, revision, {
    names: [REVISION.name(revision)],
    text: () => session.foreign(filesText(Object.entries(files).map(([file, { body }]) => ({ name: file, body })))),
    manifest: async () => {
      const { configurationManifest } = await import('../manifests/manifest.ts');
      return configurationManifest(await client.getConfiguration({ name }), files);
    },
  });
}

async function diff(session: Session, _: object, from: string, to: string): Promise<number> {
  const { client } = session;
  const [a, b] = [parseReference(from), parseReference(to)];
  if (a.configuration !== b.configuration)
    throw new CliError(`${from} and ${to}: give two revisions of one configuration`);
  const [before, after] = await Promise.all([resolveReference(client, a), resolveReference(client, b)]);
  const query = { name: a.configuration, from: before.revision, to: after.revision };
  const found = await client.diffRevisions(query);
  const text = () => paintDiff(session.foreign(found.text), session.style);
  await print(session, found, { names: found.text === '' ? [] : [a.configuration], text });
  return found.text === '' ? ExitCode.ok : ExitCode.negative;
}

const listConfigurations = listing(CONFIGURATION, (client, page) => client.listConfigurations(page));
const history = listing(REVISION, (client, page, name) =>
  client.listRevisions({ ...page, name: bare('configuration', name) }),
);
const TWO = 'compare two revisions: exit code 0 same, 1 different';

export const configurationCommands = [
  command('configuration list', 'list configurations', [], listConfigurations),
  command('configuration history <configuration>', 'list revisions, newest first', [], history),
  command('configuration show <revision>', 'show a text: C, C@7, C@latest or C@stable:GROUP', [], show),
  command('configuration diff <revision> <other-revision>', TWO, [], diff),
];

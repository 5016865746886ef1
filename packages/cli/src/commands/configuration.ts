import type { Configuration, Revision } from '@flaghoist/api';
import { command } from '../command.ts';
import { CliError, ExitCode } from '../exit-code.ts';
import { configurationManifest } from '../manifests/manifest.ts';
import { diffLine } from '../output/paint.ts';
import { type Kind, listing, print } from '../output/print.ts';
import { ago, filesText, oneLine } from '../output/text.ts';
import { revisionNamed } from '../references.ts';
import type { Session } from '../session.ts';

const CONFIGURATION: Kind<Configuration> = {
  name: ({ name }) => `configuration/${name}`,
  columns: ['name', 'latest', 'groups', 'createdAt', 'description'],
  wide: ['createdBy'],
};

const REVISION: Kind<Revision> = {
  name: ({ configuration, number }) => `${configuration}@${number}`,
  columns: [['revision', (revision) => REVISION.name(revision)], 'createdAt', 'author', 'bytes', 'hash', 'message'],
};

/** The text goes to stdout, so that it can be piped; whose it is goes to stderr. `-o yaml` is what `apply` takes. */
async function showRevision(session: Session, _: object, reference: string): Promise<undefined> {
  const { client, io, stderr, stdout } = session;
  const text = reference.includes('@') ? reference : `${reference}@latest`;
  const { configuration: name, revision: which } = await revisionNamed(client, text);
  const revision = await client.getRevision({ name, revision: which });
  const { author, message, createdAt, hash, files } = revision;
  const inWords = (): void => {
    const saved = `saved ${ago(createdAt, io.now())} by ${oneLine(`${author}: ${message}`)}`;
    stderr.print([`${REVISION.name(revision)} (${hash.slice(0, 12)}), ${saved}`]);
    stdout.foreign(filesText(Object.entries(files).map(([name, { body }]) => ({ name, body }))));
  };
  const manifest = async () => configurationManifest(await client.getConfiguration({ name }), files);
  await print(session, revision, [REVISION.name(revision)], inWords, manifest);
}

async function diff(session: Session, _: object, ...references: [from: string, to: string]): Promise<number> {
  const { client, stdout } = session;
  const [from, to] = await Promise.all([revisionNamed(client, references[0]), revisionNamed(client, references[1])]);
  if (from.configuration !== to.configuration)
    throw new CliError(`${references.join(' and ')}: give two revisions of one configuration`);
  const name = from.configuration;
  const found = await client.diffRevisions({ name, from: from.revision, to: to.revision });
  const names = found.text === '' ? [] : [name];
  await print(session, found, names, () => stdout.foreign(found.text, diffLine));
  return found.text === '' ? ExitCode.ok : ExitCode.negative;
}

const listConfigurations = listing(CONFIGURATION, (client, page) => client.listConfigurations(page));
const history = listing(REVISION, (client, page, name) => client.listRevisions({ ...page, name }));
const TWO = 'compare two revisions: exit code 0 same, 1 different';

export const configurationCommands = [
  command('list', 'list configurations', [], listConfigurations),
  command('history <configuration>', 'list revisions, newest first', [], history),
  command('show <revision>', 'show a text: C, C@7, C@latest or C@stable:GROUP', [], showRevision),
  command('diff <revision> <other-revision>', TWO, [], diff),
];

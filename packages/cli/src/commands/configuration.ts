import { allItems, type Configuration, type Revision } from '@flaghoist/api';
import { CliError, ExitCode } from '../exit-code.ts';
import { filesDiff, paintDiff } from '../output/diff.ts';
import { filesText } from '../output/files.ts';
import { printList, printOne, toYaml } from '../output/print.ts';
import type { Column } from '../output/table.ts';
import { ago, oneLine } from '../output/text.ts';
import { bare, parseReference, revisionAt } from '../references.ts';
import type { Session } from '../session.ts';

export async function list(session: Session): Promise<void> {
  const client = await session.client();
  const all = await allItems((cursor) => client.listConfigurations({ limit: 1_000, cursor }));
  const columns: Column<Configuration>[] = [
    { header: 'NAME', cell: ({ name }) => name },
    { header: 'LATEST', cell: ({ name, latest }) => (latest === 0 ? '-' : `${name}@${latest}`) },
    { header: 'GROUPS', cell: ({ groups }) => groups.join(',') || '-', least: 10 },
    { header: 'CREATED', cell: ({ createdAt }) => ago(createdAt, session.now()) },
    { header: 'BY', cell: ({ createdBy }) => createdBy, wide: true },
    { header: 'DESCRIPTION', cell: ({ description }) => description, least: 16 },
  ];
  await printList(session, all, ({ name }) => `configuration/${name}`, columns);
}

export async function history(session: Session, reference: string): Promise<void> {
  const client = await session.client();
  const name = bare('configuration', reference);
  const all = await allItems((cursor) => client.listRevisions({ name, limit: 1_000, cursor }));
  const columns: Column<Revision>[] = [
    { header: 'REVISION', cell: ({ configuration, number }) => `${configuration}@${number}` },
    { header: 'SAVED', cell: ({ createdAt }) => ago(createdAt, session.now()) },
    { header: 'AUTHOR', cell: ({ author }) => author, least: 8 },
    { header: 'BYTES', cell: ({ bytes }) => String(bytes), right: true },
    { header: 'HASH', cell: ({ hash }) => (session.options.output === 'wide' ? hash : hash.slice(0, 12)) },
    { header: 'MESSAGE', cell: ({ message }) => message, least: 20 },
  ];
  await printList(session, all, ({ configuration, number }) => `${configuration}@${number}`, columns);
}

/** The text goes to stdout, so that it can be piped; whose it is goes to stderr. `-o yaml` is what `apply` takes. */
export async function show(session: Session, reference: string): Promise<void> {
  const client = await session.client();
  const revision = await revisionAt(client, parseReference(reference, 'latest'));
  const { configuration, number, author, message, createdAt, hash, files } = revision;
  const name = `${configuration}@${number}`;
  await printOne(session, revision, {
    name,
    text: () => {
      session.note(
        `${name} (${hash.slice(0, 12)}), saved ${ago(createdAt, session.now())} by ${oneLine(`${author}: ${message}`)}\n`,
      );
      return filesText(
        Object.entries(files).map(([file, text]) => ({ ...text, name: file, bytes: text.body.length })),
      );
    },
    manifest: async () => {
      const { configurationManifest } = await import('../manifests/manifest.ts');
      return toYaml(configurationManifest(await client.getConfiguration({ name: configuration }), files));
    },
  });
}

export async function diff(session: Session, from: string, to: string): Promise<number> {
  const client = await session.client();
  const [a, b] = [parseReference(from), parseReference(to)];
  const [before, after] = await Promise.all([revisionAt(client, a), revisionAt(client, b)]);
  const label = ({ configuration, number }: Revision) => `${configuration}@${number}`;
  const text = await filesDiff(
    { label: label(before), files: before.files },
    { label: label(after), files: after.files },
  );
  const format = session.oneOf(['text', 'json']);
  if (format === 'json') {
    const { toJson } = await import('../output/print.ts');
    session.out(toJson({ from: label(before), to: label(after), text }));
  } else session.out(paintDiff(session.foreign(text), session.style));
  return text === '' ? ExitCode.ok : ExitCode.negative;
}

/** Saves a text, and the configuration too when it is new. */
export async function save(
  session: Session,
  name: string,
  body: string,
  by: { readonly author: string; readonly message: string },
) {
  const { ApiError } = await import('@flaghoist/api');
  const client = await session.client();
  const { randomUUID } = await import('node:crypto');
  const request = {
    name,
    idempotencyKey: randomUUID(),
    body: { files: { '': { body, contentType: 'text/yaml' } }, ...by },
  };
  try {
    return await client.createRevision(request);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'not-found') throw error;
  }
  // Checked before the configuration is made: a broken text must leave nothing behind.
  const { findings } = await client.check({ body: { files: request.body.files } });
  const wrong = findings.filter(({ severity }) => severity === 'error');
  const [first] = wrong;
  if (first !== undefined)
    throw new ApiError('invalid-config', `${name} was not saved: ${first.message}`, wrong);
  await client.putConfiguration({ name, body: { author: by.author } });
  session.note(`configuration/${name} created\n`);
  return client.createRevision(request);
}

export async function readText(session: Session, file: string): Promise<string> {
  if (file === '-') {
    const { stdin } = session.io;
    if (stdin === undefined) throw new CliError('there is no standard input to read');
    const chunks: Buffer[] = [];
    for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString('utf8');
  }
  const { readFile } = await import('node:fs/promises');
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CliError(
      `cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
      undefined,
      { cause },
    );
  }
}

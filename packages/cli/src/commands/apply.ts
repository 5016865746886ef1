/** `apply -f` and `diff -f`: what files say, made so or shown. */
import { randomUUID } from 'node:crypto';
import { allItems, type Client } from '@flaghoist/api';
import { command, type Given } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { loadManifests } from '../manifests/load.ts';
import type { ConfigurationManifest, GroupManifest, Manifest } from '../manifests/manifest.ts';
import { paintDiff } from '../output/diff.ts';
import { print, toYaml } from '../output/print.ts';
import { ifThere } from '../references.ts';
import type { Session } from '../session.ts';
import { ROLLOUT, startAt } from './rollout.ts';

/** What the files want beside what the server has, both as manifests. */
interface Change {
  readonly object: string;
  readonly before: string;
  readonly after: string;
  /** Makes it so; resolves to the number of the revision that it saved. */
  readonly make: (by: { readonly author: string; readonly message: string }) => Promise<number | undefined>;
}

async function configurationChange(client: Client, wanted: ConfigurationManifest): Promise<Change> {
  const { configurationManifest } = await import('../manifests/manifest.ts');
  const { name, description } = wanted.metadata;
  const { files } = wanted.spec;
  const present = await ifThere(client.getConfiguration({ name }));
  const parent = present?.latest || undefined;
  const newest = parent === undefined ? undefined : await client.getRevision({ name, revision: parent });
  return {
    object: `configuration/${name}`,
    before: present === undefined ? '' : await toYaml(configurationManifest(present, newest?.files ?? {})),
    after: await toYaml(configurationManifest({ name, description }, files)),
    make: async ({ author, message }) => {
      if (present?.description !== description)
        await client.putConfiguration({ name, ifMatch: present?.version, body: { description, author } });
      const body = { files, message, author, parent };
      return (await client.createRevision({ name, idempotencyKey: randomUUID(), body })).number;
    },
  };
}

async function groupChange(client: Client, { metadata: { name }, spec }: GroupManifest): Promise<Change> {
  const { groupManifest } = await import('../manifests/manifest.ts');
  const present = await ifThere(client.getGroup({ name }));
  const before = present && groupManifest(present);
  // Fields that a manifest leaves out stay as they are.
  const wanted = { name, ...before?.spec, ...spec };
  return {
    object: `group/${name}`,
    before: before === undefined ? '' : await toYaml(before),
    after: await toYaml(groupManifest(wanted)),
    make: async ({ author }) => {
      const { selector, priority, configuration, strategy } = wanted;
      const body = { selector, priority, configuration, strategy, author };
      await client.putGroup({ name, ifMatch: present?.version, body });
      return undefined;
    },
  };
}

function changeOf(client: Client, manifest: Manifest): Promise<Change> {
  return manifest.kind === 'Group' ? groupChange(client, manifest) : configurationChange(client, manifest);
}

type ApplyOptions = Given<'filename!' | 'dryRun' | 'message' | 'author' | 'rollout'>;

/** Moves every group that the manifests are about to the newest revision, unless it is there or on its way. */
async function startRollouts(session: Session, manifests: readonly Manifest[], options: ApplyOptions) {
  const { client } = session;
  const about = new Set(manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
  const started = [];
  for (const { name, configuration, stable } of await allItems((cursor) => client.listGroups({ cursor }))) {
    if (!about.has(`Group/${name}`) && !about.has(`Configuration/${configuration}`)) continue;
    const revision = (await ifThere(client.getConfiguration({ name: configuration })))?.latest || undefined;
    const { items } = await client.listRollouts({ group: name, limit: 1 });
    const open = items.filter(({ state }) => state === 'running' || state === 'paused');
    const there = [stable, ...open.map(({ target }) => target)].some(
      (one) => one?.configuration === configuration && one.revision === revision,
    );
    if (revision === undefined || there) continue;
    started.push(...(await startAt(session, { configuration, revision }, { ...options, group: name })));
  }
  return started;
}

async function apply(session: Session, options: ApplyOptions): Promise<undefined> {
  const { filename, dryRun = false, message = '' } = options;
  const by = { author: session.author(options.author), message };
  const manifests = await loadManifests(session, filename);
  const { client } = session;
  const applied = [];
  for (const manifest of manifests) {
    const { object, before, after, make } = await changeOf(client, manifest);
    const outcome = before === after ? 'unchanged' : before === '' ? 'created' : 'configured';
    const revision = outcome === 'unchanged' || dryRun ? undefined : await make(by);
    const more = dryRun ? ' (dry run)' : revision === undefined ? '' : ` (revision ${revision})`;
    session.say(`${object} ${outcome}${more}\n`);
    applied.push({ object, outcome, revision });
  }
  const rollouts = options.rollout && !dryRun ? await startRollouts(session, manifests, options) : [];
  const names = [...applied.map(({ object }) => object), ...rollouts.map(ROLLOUT.name)];
  await print(session, { applied, rollouts }, { names, text: () => '' });
}

/** Exits 0 when the server is as the files say, 1 when it is not. */
async function diff(session: Session, { filename }: Given<'filename!'>): Promise<number> {
  const { createTwoFilesPatch, FILE_HEADERS_ONLY: headerOptions } = await import('diff');
  const manifests = await loadManifests(session, filename);
  const { client } = session;
  let code: number = ExitCode.ok;
  for (const manifest of manifests) {
    const { object, before, after } = await changeOf(client, manifest);
    if (before === after) continue;
    const [from, to] = [`${object} (server)`, `${object} (file)`];
    const text = createTwoFilesPatch(from, to, before, after, undefined, undefined, { headerOptions });
    session.out(paintDiff(session.foreign(text), session.style));
    code = ExitCode.negative;
  }
  return code;
}

const APPLY = ['filename!', 'dryRun', 'message', 'author', 'rollout'] as const;
const SAME = 'compare files with the server: exit code 0 same, 1 different';

export const applyCommands = [
  command('apply', 'make configurations and groups as files say', APPLY, apply),
  command('diff', SAME, ['filename!'], diff),
];

/** `apply -f` and `diff -f`: what files say, made so or shown. */
import { randomUUID } from 'node:crypto';
import { allItems, type Client } from '@flaghoist/api';
import { createTwoFilesPatch, FILE_HEADERS_ONLY as headerOptions } from 'diff';
import { stringify } from 'yaml';
import { command, type Given } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { loadManifests } from '../manifests/load.ts';
import { configurationManifest, groupManifest, strategyManifest, webhookManifest } from '../manifests/manifest.ts';
import type { Manifest } from '../manifests/schema.ts';
import { diffLine } from '../output/paint.ts';
import { print } from '../output/print.ts';
import { ifThere } from '../references.ts';
import type { Session } from '../session.ts';
import { ROLLOUT } from './rollout.ts';
import { startAt } from './rollout-start.ts';

/** In one order, so that what is the same looks the same. */
const inOrder = (manifest: object): string => stringify(manifest, { lineWidth: 0, sortMapEntries: true });

type Of<Kind extends Manifest['kind']> = Extract<Manifest, { readonly kind: Kind }>;

/** The newest revision, or nothing where there is none. */
const newestOf = (client: Client, name: string) => ifThere(client.getRevision({ name, revision: 'latest' }));

/** What a file wants beside what the server has, both as manifests. */
async function configurationChange(client: Client, wanted: Of<'Configuration'>) {
  const { name, description } = wanted.metadata;
  const present = await ifThere(client.getConfiguration({ name }));
  const newest = await newestOf(client, name);
  return {
    object: `configuration/${name}`,
    /** Undefined when the server does not have it. */
    before: present && inOrder(configurationManifest(present, newest?.files ?? {})),
    after: inOrder(wanted),
    /** Makes it so; resolves to the number of the revision that it saved. */
    make: async (by: { readonly author: string; readonly message: string }): Promise<number | undefined> => {
      if (present?.description !== description)
        await client.putConfiguration({ name, ifMatch: present?.version, body: { description, author: by.author } });
      const body = { files: wanted.spec.files, parent: newest?.number, ...by };
      return (await client.createRevision({ name, idempotencyKey: randomUUID(), body })).number;
    },
  };
}

type Change = Awaited<ReturnType<typeof configurationChange>>;

async function groupChange(client: Client, wanted: Of<'Group'>): Promise<Change> {
  const { name } = wanted.metadata;
  const present = await ifThere(client.getGroup({ name }));
  const before = present && groupManifest(present);
  // Fields that a manifest leaves out stay as they are.
  const spec = { ...before?.spec, ...wanted.spec };
  return {
    object: `group/${name}`,
    before: before && inOrder(before),
    after: inOrder({ ...wanted, spec }),
    make: async ({ author }) => {
      await client.putGroup({ name, ifMatch: present?.version, body: { ...spec, author } });
      return undefined;
    },
  };
}

async function webhookChange(client: Client, wanted: Of<'Webhook'>): Promise<Change> {
  const { name } = wanted.metadata;
  const present = await ifThere(client.getWebhook({ name }));
  const before = present && webhookManifest(present);
  // Fields that a manifest leaves out stay as they are.
  const spec = { ...before?.spec, ...wanted.spec };
  return {
    object: `webhook/${name}`,
    before: before && inOrder(before),
    after: inOrder({ ...wanted, spec }),
    make: async ({ author }) => {
      await client.putWebhook({ name, ifMatch: present?.version, body: { ...spec, author } });
      return undefined;
    },
  };
}

async function strategyChange(client: Client, wanted: Of<'Strategy'>): Promise<Change> {
  const { name } = wanted.metadata;
  const present = await ifThere(client.getStrategy({ name }));
  return {
    object: `strategy/${name}`,
    before: present && inOrder(strategyManifest(present)),
    after: inOrder(wanted),
    make: async ({ author }) => {
      await client.putStrategy({ name, ifMatch: present?.version, body: { ...wanted.spec, author } });
      return undefined;
    },
  };
}

function changeOf(client: Client, manifest: Manifest): Promise<Change> {
  if (manifest.kind === 'Group') return groupChange(client, manifest);
  if (manifest.kind === 'Strategy') return strategyChange(client, manifest);
  return manifest.kind === 'Webhook' ? webhookChange(client, manifest) : configurationChange(client, manifest);
}

const APPLY = ['filename!', 'dryRun', 'message', 'author!', 'rollout'] as const;
type ApplyOptions = Given<(typeof APPLY)[number]>;

/** Moves every group that the manifests are about to the newest revision, unless it is there or on its way. */
async function startRollouts(session: Session, manifests: readonly Manifest[], options: ApplyOptions) {
  const { client } = session;
  const about = new Set(manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
  const started = [];
  for (const { name, configuration, stable } of await allItems((cursor) => client.listGroups({ cursor }))) {
    if (!about.has(`Group/${name}`) && !about.has(`Configuration/${configuration}`)) continue;
    const revision = (await newestOf(client, configuration))?.number;
    const { items } = await client.listRollouts({ group: name, limit: 1 });
    const open = items.filter(({ state }) => ['running', 'baking', 'paused'].includes(state));
    const there = [stable, ...open.map(({ target }) => target)].some(
      (one) => one?.configuration === configuration && one.revision === revision,
    );
    if (revision === undefined || there) continue;
    started.push(...(await startAt(session, { configuration, revision }, { ...options, group: name })));
  }
  return started;
}

async function apply(session: Session, options: ApplyOptions): Promise<undefined> {
  const { filename, dryRun = false, message = '', author } = options;
  const manifests = await loadManifests(session, filename);
  const applied = [];
  for (const manifest of manifests) {
    const { object, before, after, make } = await changeOf(session.client, manifest);
    const outcome = before === after ? 'unchanged' : before === undefined ? 'created' : 'configured';
    const revision = outcome === 'unchanged' || dryRun ? undefined : await make({ author, message });
    const more = dryRun ? ' (dry run)' : revision === undefined ? '' : ` (revision ${revision})`;
    session.say(`${object} ${outcome}${more}`);
    applied.push({ object, outcome, revision });
  }
  const rollouts = options.rollout && !dryRun ? await startRollouts(session, manifests, options) : [];
  const names = [...applied.map(({ object }) => object), ...rollouts.map(ROLLOUT.name)];
  await print(session, { applied, rollouts }, names);
}

/** Exits 0 when the server is as the files say, 1 when it is not. */
async function diff(session: Session, { filename }: Given<'filename!'>): Promise<number> {
  let code: number = ExitCode.ok;
  for (const manifest of await loadManifests(session, filename)) {
    const { object, before, after } = await changeOf(session.client, manifest);
    if (before === after) continue;
    const [from, to] = [`${object} (server)`, `${object} (file)`];
    const text = createTwoFilesPatch(from, to, before ?? '', after, undefined, undefined, { headerOptions });
    session.stdout.foreign(text, diffLine);
    code = ExitCode.negative;
  }
  return code;
}

const SAME = 'compare files with the server: exit code 0 same, 1 different';

export const applyCommands = [
  command('apply', 'make strategies, configurations, groups and webhooks as files say', APPLY, apply),
  command('diff', SAME, ['filename!'], diff),
];

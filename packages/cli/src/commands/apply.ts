/** `apply -f` and `diff -f`: what files say, made so or shown. */
import { allItems, type Client } from '@flaghoist/api';
import { ExitCode } from '../exit-code.ts';
import {
  presentConfiguration,
  presentGroup,
  sameFiles,
  sameGroup,
  wantedGroup,
} from '../manifests/compare.ts';
import { loadManifests } from '../manifests/load.ts';
import {
  type ConfigurationManifest,
  type GroupManifest,
  groupManifest,
  type Manifest,
} from '../manifests/manifest.ts';
import { filesDiff, paintDiff } from '../output/diff.ts';
import { printResult, toYaml } from '../output/print.ts';
import type { Session } from '../session.ts';
import { startAt, startedText } from './rollout.ts';

export interface ApplyOptions {
  readonly filename: string;
  readonly dryRun?: boolean;
  readonly message?: string;
  readonly author?: string;
  readonly rollout?: boolean;
  readonly supersede?: boolean;
}

type Outcome = 'created' | 'configured' | 'unchanged';

interface Applied {
  readonly object: string;
  readonly outcome: Outcome;
  readonly revision?: number | undefined;
}

interface Applying {
  readonly client: Client;
  readonly author: string;
  readonly message: string;
  readonly dryRun: boolean;
}

async function applyConfiguration(wanted: ConfigurationManifest, applying: Applying): Promise<Applied> {
  const { client, author, message, dryRun } = applying;
  const { name, description } = wanted;
  const { configuration, revision } = await presentConfiguration(client, name);
  const described = configuration !== undefined && configuration.description === description;
  const same = sameFiles(revision, wanted);
  const outcome = configuration === undefined ? 'created' : described && same ? 'unchanged' : 'configured';
  const applied = { object: `configuration/${name}`, outcome, revision: revision?.number } as const;
  if (dryRun) return applied;
  if (!described) {
    await client.putConfiguration({ name, ifMatch: configuration?.version, body: { description, author } });
  }
  if (same) return applied;
  const { randomUUID } = await import('node:crypto');
  const saved = await client.createRevision({
    name,
    idempotencyKey: randomUUID(),
    body: { files: wanted.files, message, author, parent: revision?.number },
  });
  return { ...applied, revision: saved.number };
}

async function applyGroup(manifest: GroupManifest, { client, author, dryRun }: Applying): Promise<Applied> {
  const present = await presentGroup(client, manifest.name);
  const { name, ...wanted } = wantedGroup(present, manifest);
  const object = `group/${name}`;
  if (present !== undefined && sameGroup(present, { name, ...wanted }))
    return { object, outcome: 'unchanged' };
  if (!dryRun) await client.putGroup({ name, ifMatch: present?.version, body: { ...wanted, author } });
  return { object, outcome: present === undefined ? 'created' : 'configured' };
}

/** Moves every group that the manifests are about to the newest revision, unless it is there or on its way. */
async function startRollouts(
  session: Session,
  manifests: readonly Manifest[],
  applying: Applying,
  options: ApplyOptions,
) {
  const { client, author, message } = applying;
  const about = new Set(manifests.map(({ kind, name }) => `${kind}/${name}`));
  const groups = await allItems((cursor) => client.listGroups({ limit: 1_000, cursor }));
  const started = [];
  for (const group of groups) {
    if (!about.has(`Group/${group.name}`) && !about.has(`Configuration/${group.configuration}`)) continue;
    const { configuration } = await presentConfiguration(client, group.configuration);
    const revision = configuration?.latest ?? 0;
    const { items: active } = await client.listRollouts({ group: group.name, limit: 1 });
    const [newest] = active;
    const there = group.stable?.configuration === group.configuration && group.stable.revision === revision;
    const onItsWay =
      newest !== undefined &&
      (newest.state === 'running' || newest.state === 'paused') &&
      newest.target.configuration === group.configuration &&
      newest.target.revision === revision;
    if (revision === 0 || there || onItsWay) continue;
    const to = { configuration: group.configuration, revision };
    const to_group = {
      group: group.name,
      author,
      message,
      ...(options.supersede ? { supersede: true } : {}),
    };
    started.push(...(await startAt(session, to, to_group)));
  }
  return started;
}

function appliedText({ object, outcome, revision }: Applied, dryRun: boolean): string {
  const saved = revision === undefined || outcome === 'unchanged' ? '' : ` (revision ${revision})`;
  return `${object} ${outcome}${dryRun ? ' (dry run)' : saved}\n`;
}

export async function apply(session: Session, options: ApplyOptions): Promise<void> {
  const inWords = session.inWords();
  const manifests = await loadManifests(session, options.filename);
  const client = await session.client();
  const author = await session.author(options.author);
  const dryRun = options.dryRun ?? false;
  const applying: Applying = { client, author, message: options.message ?? '', dryRun };
  const done: Applied[] = [];
  for (const manifest of manifests) {
    const applied =
      manifest.kind === 'Configuration'
        ? await applyConfiguration(manifest, applying)
        : await applyGroup(manifest, applying);
    done.push(applied);
    // At once, so that it is known how far it got when the next one is refused.
    if (inWords) session.out(appliedText(applied, dryRun));
  }
  const starts = options.rollout && !dryRun;
  const rollouts = starts ? await startRollouts(session, manifests, applying, options) : [];
  await printResult(
    session,
    { applied: done, rollouts },
    {
      words: startedText(rollouts),
      names: [...done.map(({ object }) => object), ...rollouts.map(({ id }) => `rollout/${id}`)],
    },
  );
}

async function configurationDiff(client: Client, wanted: ConfigurationManifest): Promise<string> {
  const { configuration, revision } = await presentConfiguration(client, wanted.name);
  const described = (description: string) => ({
    ' description': { body: description === '' ? '' : `${description}\n` },
  });
  const label = `configuration/${wanted.name}`;
  const same = (configuration?.description ?? '') === wanted.description;
  return filesDiff(
    {
      label: `${label} (server)`,
      files: { ...(same ? {} : described(configuration?.description ?? '')), ...revision?.files },
    },
    { label: `${label} (file)`, files: { ...(same ? {} : described(wanted.description)), ...wanted.files } },
  );
}

async function groupDiff(client: Client, manifest: GroupManifest): Promise<string> {
  const present = await presentGroup(client, manifest.name);
  const label = `group/${manifest.name}`;
  const before = present === undefined ? {} : { '': { body: await toYaml(groupManifest(present)) } };
  const after = { '': { body: await toYaml(groupManifest(wantedGroup(present, manifest))) } };
  return filesDiff({ label: `${label} (server)`, files: before }, { label: `${label} (file)`, files: after });
}

/** Exits 0 when the server is as the files say, 1 when it is not. */
export async function diff(session: Session, options: { readonly filename: string }): Promise<number> {
  const manifests = await loadManifests(session, options.filename);
  const client = await session.client();
  let differs = false;
  for (const manifest of manifests) {
    const text =
      manifest.kind === 'Configuration'
        ? await configurationDiff(client, manifest)
        : await groupDiff(client, manifest);
    differs ||= text !== '';
    session.out(paintDiff(session.foreign(text), session.style));
  }
  return differs ? ExitCode.negative : ExitCode.ok;
}

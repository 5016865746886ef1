import type { Handlers, InputOf } from '@flaghoist/api';
import { type ConfigFiles, FleetError } from '@flaghoist/fleet';
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import type { ControlPlane } from '../control-plane.ts';
import { ANONYMOUS } from './agents.ts';
import { type Commit, once } from './once.ts';
import { pageOf } from './pages.ts';
import { checkVersion, versionOf } from './preconditions.ts';
import { configurationView, revisionView } from './views.ts';

type ConfigurationOperation =
  | 'listConfigurations'
  | 'getConfiguration'
  | 'putConfiguration'
  | 'deleteConfiguration'
  | 'listRevisions'
  | 'createRevision'
  | 'getRevision'
  | 'diffRevisions'
  | 'check';

async function put(plane: ControlPlane, { name, ifMatch, body }: InputOf<'putConfiguration'>) {
  const { configurations, journal, reconciler } = plane;
  const before = configurations.has(name) ? configurations.get(name) : undefined;
  checkVersion(ifMatch, before && versionOf([before.description]));
  const author = body.author ?? ANONYMOUS;
  const row = configurations.put(name, body.description, author, plane.now());
  if (before === undefined) journal.record('configuration.created', author, `configuration/${name}`, {});
  await reconciler.flush();
  return configurationView(row, plane.groups.list());
}

/** Why a configuration cannot be deleted, and what to do. */
function whoUses({ groups, roster }: ControlPlane, name: string): string | undefined {
  for (const { name: group, configuration, stable } of groups.list()) {
    if (configuration === name)
      return `group ${group} runs ${name}; give it another configuration first, with: flaghoist apply -f FILE`;
    if (stable?.configuration === name)
      return (
        `agents new in group ${group} get ${name}@${stable.revision} until a rollout of ${configuration} succeeds; ` +
        `start one with: flaghoist rollout start --group ${group} --to ${configuration}@latest`
      );
  }
  for (const { agent } of roster.all()) {
    if (agent.assignment.desired?.configuration !== name) continue;
    const { id, pin } = agent.identity;
    return `agent ${id} should run ${name}; ${
      pin === null
        ? `give it another revision first, with: flaghoist agent pin ${id} --to REVISION --reason WHY`
        : `unpin it first, with: flaghoist agent unpin ${id}`
    }`;
  }
  return undefined;
}

async function remove(plane: ControlPlane, { name, ifMatch, author }: InputOf<'deleteConfiguration'>): Promise<void> {
  const { configurations, journal, reconciler } = plane;
  checkVersion(ifMatch, versionOf([configurations.get(name).description]));
  const inUse = whoUses(plane, name);
  if (inUse !== undefined) throw new FleetError('conflict', inUse);
  configurations.delete(name);
  journal.record('configuration.deleted', author ?? ANONYMOUS, `configuration/${name}`, {});
  await reconciler.flush();
}

async function createRevision(plane: ControlPlane, { name, body }: InputOf<'createRevision'>, commit: Commit) {
  const { configurations, journal, reader } = plane;
  configurations.get(name);
  const problems = await reader.check(body.files);
  const [first] = problems;
  if (first !== undefined) {
    const where = first.file === '' ? '' : ` of file ${JSON.stringify(first.file)}`;
    throw new FleetError(
      'invalid-config',
      `line ${first.line}, column ${first.column}${where}: ${first.message}`,
      problems,
    );
  }
  const author = body.author ?? ANONYMOUS;
  const given = { files: body.files, message: body.message, author, parent: body.parent };
  const { revision, created } = configurations.save(name, given, plane.now());
  if (created) {
    const { number, hash, message } = revision;
    journal.record('revision.created', author, `configuration/${name}`, { number, hash, message });
  }
  return commit({ ...revisionView(revision), created });
}

async function filesOf(
  plane: ControlPlane,
  name: string,
  number: number | 'latest',
): Promise<{ number: number; files: ConfigFiles }> {
  const revision = plane.configurations.revision(name, number);
  return { number: revision.number, files: (await plane.store.files(revision.hash)) ?? {} };
}

async function diff(plane: ControlPlane, { name, from, to }: InputOf<'diffRevisions'>) {
  const [old, next] = await Promise.all([filesOf(plane, name, from), filesOf(plane, name, to)]);
  const names = [...new Set([...Object.keys(old.files), ...Object.keys(next.files)])].sort();
  let text = '';
  for (const file of names) {
    const [before, after] = [old.files[file]?.body ?? '', next.files[file]?.body ?? ''];
    const label = (number: number): string => `${name}@${number}${file === '' ? '' : `/${file}`}`;
    if (before !== after)
      text += createTwoFilesPatch(label(old.number), label(next.number), before, after, undefined, undefined, {
        headerOptions: FILE_HEADERS_ONLY,
      });
  }
  return { from: old.number, to: next.number, text };
}

export const configurationHandlers = (plane: ControlPlane): Pick<Handlers<void>, ConfigurationOperation> => ({
  listConfigurations: async (input) => {
    const page = pageOf(plane.configurations.list(), input, ({ name }) => name);
    return { ...page, items: page.items.map((row) => configurationView(row, plane.groups.list())) };
  },
  getConfiguration: async ({ name }) => configurationView(plane.configurations.get(name), plane.groups.list()),
  putConfiguration: (input) => put(plane, input),
  deleteConfiguration: (input) => remove(plane, input),
  listRevisions: async ({ name, ...paging }) => {
    const newest = [...plane.configurations.revisions(name)].reverse();
    const page = pageOf(newest, paging, ({ number }) => String(1e9 - number));
    return { ...page, items: page.items.map(revisionView) };
  },
  createRevision: (input) =>
    once(plane, `revision ${input.name}`, input, (commit) => createRevision(plane, input, commit)),
  getRevision: async ({ name, revision }) => {
    const found = plane.configurations.revision(name, revision);
    const { files } = await filesOf(plane, name, found.number);
    return {
      ...revisionView(found),
      files: files as Awaited<ReturnType<Handlers<void>['getRevision']>>['files'],
    };
  },
  diffRevisions: (input) => diff(plane, input),
  check: async ({ body }) => {
    const problems = await plane.reader.check(body.files);
    return { findings: problems.map((problem) => ({ ...problem, severity: 'error' as const })) };
  },
});

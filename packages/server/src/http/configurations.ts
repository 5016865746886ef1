import type { Handlers } from '@flaghoist/api';
import { type Configuration, FleetError } from '@flaghoist/fleet';
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import type { ControlPlane } from '../control-plane.ts';
import { onceOnly } from './once.ts';
import { descending, pageOf } from './pages.ts';
import { checkVersion, versionOf } from './preconditions.ts';

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
    if (agent.ledger?.revision.configuration !== name) continue;
    const { id, pin } = agent.identity;
    return `agent ${id} should run ${name}; ${
      pin === null
        ? `give it another revision first, with: flaghoist agent pin ${id} --to REVISION --reason WHY`
        : `unpin it first, with: flaghoist agent unpin ${id}`
    }`;
  }
  return undefined;
}

export function configurationHandlers(plane: ControlPlane) {
  const { configurations, groups, journal, now, reader, reconciler, store } = plane;
  const once = onceOnly(plane);

  const view = (row: Configuration) => ({
    ...row,
    latest: configurations.revisions(row.name).at(-1)?.number ?? 0,
    groups: groups.list().flatMap(({ name, configuration }) => (configuration === row.name ? [name] : [])),
    version: versionOf([row.description]),
  });

  /** A revision with its texts. */
  async function whole(name: string, number: number | 'latest') {
    const revision = configurations.revision(name, number);
    return { ...revision, files: (await store.files(revision.hash)) ?? {} };
  }

  return {
    listConfigurations: async (paging) => pageOf(configurations.all(), paging, ({ name }) => name, view),

    getConfiguration: async ({ name }) => view(configurations.get(name)),

    putConfiguration: async ({ name, ifMatch, body: { description, author } }) => {
      const before = configurations.has(name) ? view(configurations.get(name)) : undefined;
      checkVersion(ifMatch, before?.version);
      const row = configurations.put(name, description, author, now());
      if (before === undefined) journal.record('configuration.created', `configuration/${name}`, {}, author);
      await reconciler.flush();
      return view(row);
    },

    deleteConfiguration: async ({ name, ifMatch, author }) => {
      checkVersion(ifMatch, view(configurations.get(name)).version);
      const inUse = whoUses(plane, name);
      if (inUse !== undefined) throw new FleetError('conflict', inUse);
      configurations.delete(name);
      journal.record('configuration.deleted', `configuration/${name}`, {}, author);
      await reconciler.flush();
    },

    listRevisions: async ({ name, ...paging }) =>
      pageOf(
        configurations.revisions(name),
        paging,
        ({ number }) => descending(number),
        (revision) => revision,
      ),

    createRevision: ({ name, ...request }) =>
      once(`revision ${name}`, request, async () => {
        const { body } = request;
        configurations.get(name);
        const problems = await reader.check(body.files);
        const [first] = problems;
        if (first !== undefined) {
          const where = first.file === '' ? '' : ` of file ${JSON.stringify(first.file)}`;
          const place = `line ${first.line}, column ${first.column}${where}`;
          throw new FleetError('invalid-config', `${place}: ${first.message}`, problems);
        }
        return () => {
          const { revision, created } = configurations.save(name, body, now());
          if (created) {
            const { number, hash, message } = revision;
            journal.record('revision.created', `configuration/${name}`, { number, hash, message }, body.author);
          }
          return { ...revision, created };
        };
      }),

    getRevision: ({ name, revision }) => whole(name, revision),

    diffRevisions: async ({ name, from, to }) => {
      const [old, next] = await Promise.all([whole(name, from), whole(name, to)]);
      let text = '';
      for (const file of [...new Set([...Object.keys(old.files), ...Object.keys(next.files)])].sort()) {
        const [before, after] = [old.files[file]?.body ?? '', next.files[file]?.body ?? ''];
        const label = (number: number): string => `${name}@${number}${file === '' ? '' : `/${file}`}`;
        if (before !== after)
          text += createTwoFilesPatch(label(old.number), label(next.number), before, after, undefined, undefined, {
            headerOptions: FILE_HEADERS_ONLY,
          });
      }
      return { from: old.number, to: next.number, text };
    },
  } satisfies Partial<Handlers>;
}

import { allItems, type Group } from '@flaghoist/api';
import { printList, printOne, toYaml } from '../output/print.ts';
import { type Column, renderFacts } from '../output/table.ts';
import { ago } from '../output/text.ts';
import { bare } from '../references.ts';
import type { Session } from '../session.ts';
import { agentColumns } from './agent.ts';

const stable = ({ stable }: Group): string =>
  stable === null ? '-' : `${stable.configuration}@${stable.revision}`;

export async function list(session: Session): Promise<void> {
  const client = await session.client();
  const all = await allItems((cursor) => client.listGroups({ limit: 1_000, cursor }));
  const columns: Column<Group>[] = [
    { header: 'NAME', cell: ({ name }) => name },
    { header: 'CONFIGURATION', cell: ({ configuration }) => configuration },
    { header: 'STABLE', cell: stable },
    { header: 'AGENTS', cell: ({ agents }) => String(agents), right: true },
    { header: 'PRIORITY', cell: ({ priority }) => String(priority), right: true },
    { header: 'STRATEGY', cell: ({ strategy }) => strategy, wide: true },
    { header: 'CREATED', cell: ({ createdAt }) => ago(createdAt, session.now()), wide: true },
    { header: 'SELECTOR', cell: ({ selector }) => selector || '(all)', least: 12 },
  ];
  await printList(session, all, ({ name }) => `group/${name}`, columns);
}

export async function show(session: Session, reference: string): Promise<void> {
  const client = await session.client();
  const group = await client.getGroup({ name: bare('group', reference) });
  await printOne(session, group, {
    name: `group/${group.name}`,
    text: () =>
      renderFacts([
        ['Name', group.name],
        ['Selector', group.selector || '(all agents)'],
        ['Priority', String(group.priority)],
        ['Configuration', group.configuration],
        ['Strategy', group.strategy],
        ['Stable', stable(group)],
        ['Agents', String(group.agents)],
        ['Created', ago(group.createdAt, session.now())],
      ]),
    manifest: async () => toYaml((await import('../manifests/manifest.ts')).groupManifest(group)),
  });
}

export async function agents(session: Session, reference: string): Promise<void> {
  const client = await session.client();
  const query = { name: bare('group', reference), selector: session.options.selector, limit: 1_000 };
  const all = await allItems((cursor) => client.listGroupAgents({ ...query, cursor }));
  await printList(session, all, ({ id }) => `agent/${id}`, agentColumns(session));
}

import type { Group } from '@flaghoist/api';
import { command } from '../command.ts';
import { type Kind, listing, show } from '../output/print.ts';
import { ago, revisionText } from '../output/text.ts';
import { bare } from '../references.ts';
import type { Session } from '../session.ts';
import { AGENT } from './agent.ts';

const GROUP: Kind<Group> = {
  name: ({ name }) => `group/${name}`,
  columns: (session) => [
    { header: 'NAME', cell: ({ name }) => name },
    { header: 'CONFIGURATION', cell: ({ configuration }) => configuration },
    { header: 'STABLE', cell: ({ stable }) => revisionText(stable) },
    { header: 'AGENTS', cell: ({ agents }) => String(agents), right: true },
    { header: 'PRIORITY', cell: ({ priority }) => String(priority), right: true },
    { header: 'STRATEGY', cell: ({ strategy }) => strategy, wide: true },
    { header: 'CREATED', cell: ({ createdAt }) => ago(createdAt, session.now()), wide: true },
    { header: 'SELECTOR', cell: ({ selector }) => selector || '(all)', least: 12 },
  ],
};

async function showGroup(session: Session, _: object, reference: string) {
  const { client } = session;
  const group = await client.getGroup({ name: bare('group', reference) });
  const { groupManifest } = await import('../manifests/manifest.ts');
  return show(session, GROUP, group, { manifest: () => groupManifest(group) });
}

const listGroups = listing(GROUP, (client, page) => client.listGroups(page));
const agents = listing(AGENT, (client, page, group) => client.listGroupAgents({ ...page, name: bare('group', group) }));

export const groupCommands = [
  command('group list', 'list groups', [], listGroups),
  command('group show <group>', 'show a group', [], showGroup),
  command('group agents <group>', 'list its agents', [], agents),
];

import type { Group } from '@flaghoist/api';
import { command } from '../command.ts';
import { groupManifest } from '../manifests/manifest.ts';
import { type Kind, listing, print } from '../output/print.ts';
import { renderFacts } from '../output/table.ts';
import { bare } from '../references.ts';
import type { Session } from '../session.ts';
import { AGENT } from './agent.ts';

const GROUP: Kind<Group> = {
  name: ({ name }) => `group/${name}`,
  columns: [
    'name',
    'configuration',
    'stable',
    'agents',
    'priority',
    ['selector', ({ selector }) => selector || '(all)'],
  ],
  wide: ['strategy'],
};

async function showGroup(session: Session, _: object, reference: string) {
  const group = await session.client.getGroup({ name: bare('group', reference) });
  const { version, ...facts } = group;
  const inWords = () => session.stdout.print(renderFacts(facts, session.now()));
  return print(session, group, [GROUP.name(group)], inWords, () => groupManifest(group));
}

const listGroups = listing(GROUP, (client, page) => client.listGroups(page));
const agents = listing(AGENT, (client, page, group) => client.listGroupAgents({ ...page, name: bare('group', group) }));

export const groupCommands = [
  command('group list', 'list groups', [], listGroups),
  command('group show <group>', 'show a group', [], showGroup),
  command('group agents <group>', 'list its agents', ['selector'], agents),
];

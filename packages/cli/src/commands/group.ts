import type { Group } from '@flaghoist/api';
import { command } from '../command.ts';
import { groupManifest } from '../manifests/manifest.ts';
import { type Kind, listing, print } from '../output/print.ts';
import { renderFacts } from '../output/table.ts';
import type { Session } from '../session.ts';
import { AGENT } from './agent.ts';

const GROUP: Kind<Group> = {
  name: ({ name }) => `group/${name}`,
  columns: ['name', 'configuration', 'stable', 'agents', 'priority', ['selector', (one) => one.selector || '(all)']],
  wide: ['strategy'],
};

async function showGroup(session: Session, _: object, name: string) {
  const group = await session.client.getGroup({ name });
  const { version, ...facts } = group;
  const inWords = () => session.stdout.print(renderFacts(facts, session.io.now()));
  return print(session, group, [GROUP.name(group)], inWords, () => groupManifest(group));
}

const listGroups = listing(GROUP, (client, page) => client.listGroups(page));
const agents = listing(AGENT, (client, page, name) => client.listGroupAgents({ ...page, name }));

export const groupCommands = [
  command('list', 'list groups', [], listGroups),
  command('show <group>', 'show a group', [], showGroup),
  command('agents <group>', 'list its agents', ['selector'], agents),
];

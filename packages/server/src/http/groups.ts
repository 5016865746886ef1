import type { Handlers, InputOf } from '@flaghoist/api';
import { DEFAULT_STRATEGY, FleetError, type Group, resolutionOrder } from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';
import { ANONYMOUS } from './agents.ts';
import { pageOf } from './pages.ts';
import { checkVersion } from './preconditions.ts';
import { groupView } from './views.ts';

type GroupOperation = 'listGroups' | 'getGroup' | 'putGroup' | 'deleteGroup';

const view = ({ groups, roster }: ControlPlane, name: string) => groupView(groups.get(name), roster.inGroup(name).size);
const touchAll = ({ roster }: ControlPlane): void => {
  for (const member of roster.all()) roster.touch(member);
};

/** @throws FleetError `rollout-active` that names a way out. */
function refuseDuringRollout({ rollouts }: ControlPlane, { name, stable, configuration }: Group): void {
  const active = rollouts.activeOf(name);
  if (active === undefined) return;
  const { revision } = stable?.configuration === configuration ? stable : active.target;
  throw new FleetError(
    'rollout-active',
    `group ${name} has rollout ${active.id} (${active.state}), which must end first: wait for it, or take over from it ` +
      `with: flaghoist rollout start --group ${name} --to ${configuration}@${revision} --supersede`,
  );
}

async function put(plane: ControlPlane, { name, ifMatch, body }: InputOf<'putGroup'>) {
  const { groups, journal, reconciler } = plane;
  const before = groups.find(name);
  checkVersion(ifMatch, before && view(plane, name).version);
  if (before !== undefined && before.configuration !== body.configuration) refuseDuringRollout(plane, before);
  const settings = {
    selector: body.selector,
    priority: body.priority,
    configuration: body.configuration,
    strategy: body.strategy ?? before?.strategy ?? DEFAULT_STRATEGY,
  };
  groups.put(name, settings, plane.now());
  journal.record(
    before === undefined ? 'group.created' : 'group.updated',
    body.author ?? ANONYMOUS,
    `group/${name}`,
    settings,
  );
  if (before?.selector !== settings.selector || before.priority !== settings.priority) touchAll(plane);
  await reconciler.flush();
  return view(plane, name);
}

async function remove(plane: ControlPlane, { name, ifMatch, author }: InputOf<'deleteGroup'>): Promise<void> {
  const { groups, journal, reconciler } = plane;
  checkVersion(ifMatch, view(plane, name).version);
  refuseDuringRollout(plane, groups.get(name));
  groups.delete(name);
  journal.record('group.deleted', author ?? ANONYMOUS, `group/${name}`, {});
  touchAll(plane);
  await reconciler.flush();
}

export const groupHandlers = (plane: ControlPlane): Pick<Handlers<void>, GroupOperation> => ({
  listGroups: async (input) => {
    const order = resolutionOrder(plane.groups.list());
    const page = pageOf(order, input, (group) => `${String(1e9 - group.priority).padStart(12, '0')} ${group.name}`);
    return { ...page, items: page.items.map(({ name }) => view(plane, name)) };
  },
  getGroup: async ({ name }) => view(plane, name),
  putGroup: (input) => put(plane, input),
  deleteGroup: (input) => remove(plane, input),
});

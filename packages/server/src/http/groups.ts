import type { Handlers } from '@flaghoist/api';
import { DEFAULT_STRATEGY, FleetError, type Group } from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';
import { descending, pageOf } from './pages.ts';
import { checkVersion, versionOf } from './preconditions.ts';

export function groupHandlers({ groups, journal, now, reconciler, rollouts, roster, strategies }: ControlPlane) {
  const view = (group: Group) => {
    const { name, selector, priority, configuration, strategy } = group;
    const version = versionOf([selector, priority, configuration, strategy]);
    return { ...group, agents: roster.inGroup(name).size, version };
  };
  const touchAll = (): void => {
    for (const member of roster.all()) roster.touch(member);
  };

  /** @throws FleetError `rollout-active` that names a way out. */
  function refuseDuringRollout({ name, stable, configuration }: Group): void {
    const active = rollouts.activeOf(name);
    if (active === undefined) return;
    const { revision } = stable?.configuration === configuration ? stable : active.target;
    throw new FleetError(
      'rollout-active',
      `group ${name} has rollout ${active.id} (${active.state}), which must end first: wait for it, or take over from it ` +
        `with: flaghoist rollout start --group ${name} --to ${configuration}@${revision} --supersede`,
    );
  }

  return {
    listGroups: async (paging) =>
      pageOf(groups.list(), paging, ({ name, priority }) => `${descending(priority)} ${name}`, view),

    getGroup: async ({ name }) => view(groups.get(name)),

    putGroup: async ({ name, ifMatch, body: { author, ...given } }) => {
      const before = groups.find(name);
      checkVersion(ifMatch, before && view(before).version);
      if (before !== undefined && before.configuration !== given.configuration) refuseDuringRollout(before);
      const settings = { ...given, strategy: given.strategy ?? before?.strategy ?? DEFAULT_STRATEGY };
      strategies.resolve(settings.strategy);
      groups.put(name, settings, now());
      journal.record(before === undefined ? 'group.created' : 'group.updated', `group/${name}`, settings, author);
      if (before?.selector !== settings.selector || before.priority !== settings.priority) touchAll();
      await reconciler.flush();
      return view(groups.get(name));
    },

    deleteGroup: async ({ name, ifMatch, author }) => {
      const group = groups.get(name);
      checkVersion(ifMatch, view(group).version);
      refuseDuringRollout(group);
      groups.delete(name);
      journal.record('group.deleted', `group/${name}`, {}, author);
      touchAll();
      await reconciler.flush();
    },
  } satisfies Partial<Handlers>;
}

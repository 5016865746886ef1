import type { Handlers } from '@flaghoist/api';
import { DEFAULT_STRATEGY, FleetError, type Group, type GroupOf, grouping, refuseUnstaged } from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';
import { descending, pageOf } from './pages.ts';
import { checkVersion, versionOf } from './preconditions.ts';

/** What a group has that nobody can set. */
const NEW_GROUP = { stable: null, previous: [], condemned: [], createdAt: 0 } as const;

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

  /** Whom a rollout has in its hands stays there: out of its group it would not be taken back with the others. @throws FleetError `rollout-active`. */
  function refuseEscapes(groupOf: GroupOf): void {
    for (const { id, group } of rollouts.running()) {
      const leaving = [...roster.inGroup(group)].filter(({ agent }) => groupOf(agent.identity) !== group).length;
      if (leaving === 0) continue;
      throw new FleetError(
        'rollout-active',
        `${leaving} agents would leave group ${group} in the middle of rollout ${id}: let it end, or flaghoist rollout stop ${id}`,
      );
    }
  }

  /** What an edit would make agents run without stages. @throws FleetError `conflict` (I7). */
  function refuseMoves(edited: Group, isDeleted = false): void {
    const others = groups.list().filter(({ name }) => name !== edited.name);
    const after = isDeleted ? others : [...others, edited];
    const groupOf = grouping(after);
    refuseEscapes(groupOf);
    const edit = Array.from(roster.all(), ({ agent }) => ({ agent, identity: agent.identity }));
    refuseUnstaged(edit, groupOf, (name) => {
      const { stable, strategy } = after.find((one) => one.name === name) ?? edited;
      return { stable, strategy: strategies.resolve(strategy) };
    });
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
      refuseMoves({ ...NEW_GROUP, ...before, name, ...settings });
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
      refuseMoves(group, true);
      groups.delete(name, now());
      journal.record('group.deleted', `group/${name}`, {}, author);
      touchAll();
      await reconciler.flush();
    },
  } satisfies Partial<Handlers>;
}

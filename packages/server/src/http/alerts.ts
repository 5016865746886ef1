import type { Handlers } from '@flaghoist/api';
import { type Alert, summaryOf } from '@flaghoist/fleet';
import type { ControlPlane } from '../control-plane.ts';
import { descending, pageOf } from './pages.ts';

const stateOf = ({ resolvedAt }: Alert) => (resolvedAt === null ? 'active' : 'resolved');
const view = (alert: Alert) => ({ ...alert, state: stateOf(alert), summary: summaryOf(alert) }) as const;

export const alertHandlers = ({ alerts, rollouts }: ControlPlane) =>
  ({
    listAlerts: async ({ state, kind, group, rollout, ...paging }) => {
      const family = rollout === undefined ? [] : rollouts.family(rollout).map(({ id }) => id);
      const asked = (alert: Alert): boolean =>
        (state ?? stateOf(alert)) === stateOf(alert) &&
        (kind ?? alert.kind) === alert.kind &&
        (group ?? alert.group) === alert.group &&
        (rollout === undefined || family.some((id) => id === alert.rollout));
      const key = ({ raisedAt, id }: Alert) => `${descending(raisedAt)} ${id}`;
      return pageOf(alerts.all().filter(asked), paging, key, view);
    },
  }) satisfies Partial<Handlers>;

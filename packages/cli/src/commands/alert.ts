import type { Alert } from '@flaghoist/api';
import { command } from '../command.ts';
import { type Kind, listing } from '../output/print.ts';

const concerned = ({ count, remaining }: Alert): string => (count === 0 ? '-' : `${remaining} of ${count}`);

const ALERT: Kind<Alert> = {
  name: ({ id }) => `alert/${id}`,
  columns: ['kind', 'state', 'group', 'rollout', ['agents', concerned], 'raisedAt', 'summary'],
  wide: ['id', 'revision', 'updatedAt', 'resolvedAt'],
};

const listAlerts = listing(ALERT, (client, page) => client.listAlerts(page));

const LIST = ['group', 'alertRollout', 'alertKind', 'alertState'] as const;
export const alertCommands = [command('list', 'list alerts, newest first', LIST, listAlerts)];

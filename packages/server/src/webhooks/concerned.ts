import type { AgentIdentity } from '@flaghoist/fleet';
import type { JournalEvent } from '../events/journal-event.ts';
import type { Memory } from '../memory.ts';

/** The agents that an event is about: one, those of an alert, or those of a group; none where it is about something else. */
export function* concerned(
  { roster, alerts }: Pick<Memory, 'roster' | 'alerts'>,
  { subject, data }: JournalEvent,
): Generator<AgentIdentity> {
  const [, kind, name = ''] = /^(\w+)\/(.*)$/.exec(subject) ?? [];
  const listed = (data['agents'] as readonly { readonly id: string }[] | undefined)?.map(({ id }) => id);
  const ids = kind === 'agent' ? [name] : kind === 'alert' ? alerts.agentsOf(name) : listed;
  for (const id of ids ?? []) {
    const member = roster.get(id);
    if (member !== undefined) yield member.agent.identity;
  }
  const group = kind === 'group' ? name : data['group'];
  if (kind === 'agent' || (kind === 'alert' && data['count'] !== 0) || typeof group !== 'string') return;
  for (const { agent } of roster.inGroup(group)) yield agent.identity;
}

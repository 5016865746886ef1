import type { JournalEvent } from '@flaghoist/api';
import type { Session } from '../session.ts';
import type { Column } from './table.ts';

function word(value: unknown): string {
  if (typeof value === 'string') return /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 12) : value;
  const { configuration, revision } = (value ?? {}) as { configuration?: unknown; revision?: unknown };
  if (typeof configuration === 'string' && typeof revision === 'number')
    return `${configuration}@${revision}`;
  return JSON.stringify(value);
}

/** What an event carries, as words: `group=edge target=edge@4`. */
function dataText(data: JournalEvent['data']): string {
  return Object.entries(data)
    .map(([key, value]) => `${key}=${word(value)}`)
    .join(' ');
}

export function eventColumns(session: Session): Column<JournalEvent>[] {
  return [
    { header: 'SEQ', cell: ({ seq }) => String(seq), right: true },
    { header: 'TIME', cell: ({ at }) => ({ text: at.replace(/\.\d+Z$/, 'Z'), paint: session.style.dim }) },
    { header: 'KIND', cell: ({ kind }) => ({ text: kind, paint: session.style.bold }) },
    { header: 'SUBJECT', cell: ({ subject }) => subject, least: 12 },
    { header: 'AUTHOR', cell: ({ author }) => author, least: 6 },
    { header: 'WHAT', cell: ({ data }) => dataText(data), least: 20 },
  ];
}

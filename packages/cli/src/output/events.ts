import type { JournalEvent } from '@flaghoist/api';
import type { Session } from '../session.ts';
import type { Column } from './table.ts';

/** What an event carries, as words: `group=edge revision=4`. */
function dataText(data: JournalEvent['data']): string {
  return Object.entries(data)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
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

import { followEvents, type JournalEvent } from '@flaghoist/api';
import type { Given } from '../command.ts';
import { CliError, ExitCode } from '../exit-code.ts';
import { type Kind, printItems, toYaml } from '../output/print.ts';
import { renderTable } from '../output/table.ts';
import { plural } from '../output/text.ts';
import type { Session } from '../session.ts';

/** `12 agents updating → in-sync (a-1, …), 1 agent updating → failed (a-7: why)` */
function changesText(agents: readonly Readonly<Record<string, string | null>>[]): string {
  const alike = Map.groupBy(agents, ({ from, state }) => `${from ?? 'new'} → ${state}`);
  return [...alike]
    .map(([change, [first, ...more]]) => {
      const rest = more.length === 0 ? `: ${first?.['reason']}` : ', …';
      return `${plural(more.length + 1, 'agent')} ${change} (${first?.['id']}${rest})`;
    })
    .join(', ');
}

/** What an event carries, as words: `group=edge target=edge@4`. */
function dataText({ kind, data }: JournalEvent): string {
  if (kind === 'agents.changed' && Array.isArray(data['agents'])) return changesText(data['agents']);
  const word = (value: unknown): string => {
    const { configuration, revision } = (value ?? {}) as { configuration?: string; revision?: number };
    if (configuration !== undefined && revision !== undefined) return `${configuration}@${revision}`;
    if (typeof value === 'string') return /^[0-9a-f]{64}$/.test(value) ? value.slice(0, 12) : value;
    return JSON.stringify(value);
  };
  const { counts, ...others } = data;
  const counted = Object.entries(counts ?? {}).filter(([, count]) => count !== 0);
  return [...Object.entries(others), ...counted].map(([key, value]) => `${key}=${word(value)}`).join(' ');
}

export const EVENT: Kind<JournalEvent> = {
  name: ({ seq }) => `event/${seq}`,
  columns: ({ style }) => [
    { header: 'SEQ', cell: ({ seq }) => String(seq), right: true },
    { header: 'TIME', cell: ({ at }) => ({ text: at.replace(/\.\d+Z$/, 'Z'), paint: style.dim }) },
    { header: 'KIND', cell: ({ kind }) => ({ text: kind, paint: style.bold }) },
    { header: 'SUBJECT', cell: ({ subject }) => subject, least: 12 },
    { header: 'AUTHOR', cell: ({ author }) => author, least: 6 },
    { header: 'WHAT', cell: dataText, least: 20 },
  ],
};

const RECENT = 100;

/** The recent events; with `--follow` also those to come, as one JSON text per line with `-o json`. */
export async function events(session: Session, options: Given<'follow' | 'after'>): Promise<number> {
  const { client } = session;
  const address = session.address();
  const { lastEvent } = await client.getFleet();
  const after = Number(options.after ?? Math.max(0, lastEvent - RECENT));
  if (!Number.isSafeInteger(after) || after < 0)
    throw new CliError(`--after ${options.after}: give the number of an event`);
  if (options.follow) return follow(session, { ...address, after });
  const recent: JournalEvent[] = [];
  if (lastEvent > after) {
    for await (const event of followEvents({ ...address, after })) {
      recent.push(event);
      if (event.seq >= lastEvent) break;
    }
  }
  await printItems(session, EVENT, recent);
  return ExitCode.ok;
}

function follow(session: Session, from: Parameters<typeof followEvents>[0]): Promise<number> {
  const format = session.format();
  const line = async (event: JournalEvent): Promise<string> => {
    if (format === 'json') return `${JSON.stringify(event)}\n`;
    if (format === 'yaml') return `---\n${await toYaml(event)}`;
    if (format === 'name') return `${EVENT.name(event)}\n`;
    return renderTable(EVENT.columns(session), [event], { ...session.table, headers: false });
  };
  const onConnection = (connected: boolean): void => {
    if (!connected) session.note('the event stream broke: connecting again\n');
  };
  return session.interruptible(async (signal) => {
    for await (const event of followEvents({ ...from, signal, onConnection })) session.out(await line(event));
    return ExitCode.interrupted;
  });
}

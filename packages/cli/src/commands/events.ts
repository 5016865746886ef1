import { followEvents, type JournalEvent } from '@flaghoist/api';
import { CliError, ExitCode } from '../exit-code.ts';
import { eventColumns } from '../output/events.ts';
import { printList, tableOptions, toYaml } from '../output/print.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

const RECENT = 100;

export interface EventsOptions {
  readonly follow?: boolean;
  readonly after?: string;
}

/** The recent events; with `--follow` also those to come, as one JSON text per line with `-o json`. */
export async function events(session: Session, options: EventsOptions): Promise<number> {
  const format = session.format();
  const [client, address] = await Promise.all([session.client(), session.address()]);
  const { lastEvent } = await client.getFleet();
  const after = options.after === undefined ? Math.max(0, lastEvent - RECENT) : Number(options.after);
  if (!Number.isSafeInteger(after) || after < 0)
    throw new CliError(`--after ${options.after}: give the number of an event`);
  const recent: JournalEvent[] = [];
  if (lastEvent > after) {
    for await (const event of followEvents({ ...address, after })) {
      recent.push(event);
      if (event.seq >= lastEvent) break;
    }
  }
  if (!options.follow) {
    await printList(session, recent, ({ seq }) => `event/${seq}`, eventColumns(session));
    return ExitCode.ok;
  }

  const line = async (event: JournalEvent): Promise<string> => {
    if (format === 'json') return `${JSON.stringify(event)}\n`;
    if (format === 'yaml') return `---\n${await toYaml(event)}`;
    if (format === 'name') return `event/${event.seq}\n`;
    return renderTable(eventColumns(session), [event], { ...tableOptions(session), headers: false });
  };
  for (const event of recent) session.out(await line(event));
  return session.interruptible(async (signal) => {
    const last = Math.max(after, lastEvent);
    const onConnection = (connected: boolean): void => {
      if (!connected) session.note('the event stream broke: connecting again\n');
    };
    for await (const event of followEvents({ ...address, after: last, signal, onConnection })) {
      session.out(await line(event));
    }
    return ExitCode.interrupted;
  });
}

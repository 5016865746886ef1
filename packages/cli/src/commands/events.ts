import { followEvents, type JournalEvent } from '@flaghoist/api';
import { command, type Given } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { type Kind, print, printItems, tableOf } from '../output/print.ts';
import type { Session } from '../session.ts';

export const EVENT: Kind<JournalEvent> = {
  name: ({ seq }) => `event/${seq}`,
  columns: ['seq', ['time UTC', ({ at }) => at.slice(0, 19)], 'kind', 'subject', 'author', 'data'],
};

const RECENT = 100;

/** The recent events; with `--follow` also those to come. */
async function events(session: Session, { follow, after: given }: Given<'follow' | 'after'>) {
  const { baseUrl, client, io, stderr } = session;
  const { lastEvent } = await client.getFleet();
  const after = given ?? Math.max(0, lastEvent - RECENT);
  const recent: JournalEvent[] = [];
  if (!follow && lastEvent <= after) return printItems(session, EVENT, recent);
  const onConnection = (connected: boolean): void => {
    if (!connected) stderr.print(['the event stream broke: connecting again']);
  };
  for await (const event of followEvents({ baseUrl, after, signal: io.interruption(), onConnection })) {
    if (follow) await tell(session, event);
    else recent.push(event);
    if (!follow && event.seq >= lastEvent) return printItems(session, EVENT, recent);
  }
  return ExitCode.interrupted;
}

/** One that just came, in a line; also with `-o json`. */
async function tell(session: Session, event: JournalEvent): Promise<void> {
  const { options, stdout } = session;
  if (options.output === 'json') stdout.foreign(`${JSON.stringify(event)}\n`);
  else await print(session, [event], [EVENT.name(event)], () => stdout.print(tableOf(session, EVENT, [event], false)));
}

export const eventCommands = [command('events', 'what happened', ['follow', 'after'], events)];

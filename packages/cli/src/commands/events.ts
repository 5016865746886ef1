import { followEvents, type JournalEvent } from '@flaghoist/api';
import { command, type Given } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { type Kind, print, printItems, tableOf } from '../output/print.ts';
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

/** What an event carries; counts of nothing are left out. */
function carried({ kind, data }: JournalEvent): unknown {
  if (kind === 'agents.changed' && Array.isArray(data['agents'])) return changesText(data['agents']);
  const { counts, ...others } = data;
  const counted = Object.entries(counts ?? {}).filter(([, count]) => count !== 0);
  return { ...others, ...Object.fromEntries(counted) };
}

export const EVENT: Kind<JournalEvent> = {
  name: ({ seq }) => `event/${seq}`,
  columns: ['seq', ['time UTC', ({ at }) => at.slice(0, 19)], 'kind', 'subject', 'author', ['what', carried]],
};

const RECENT = 100;

/** The recent events; with `--follow` also those to come, as one JSON text per line with `-o json`. */
async function events(session: Session, options: Given<'follow' | 'after'>): Promise<number> {
  const { baseUrl, client } = session;
  const { lastEvent } = await client.getFleet();
  const after = options.after ?? Math.max(0, lastEvent - RECENT);
  if (options.follow) return follow(session, after);
  const recent: JournalEvent[] = [];
  if (lastEvent > after) {
    for await (const event of followEvents({ baseUrl, after })) {
      recent.push(event);
      if (event.seq >= lastEvent) break;
    }
  }
  await printItems(session, EVENT, recent);
  return ExitCode.ok;
}

async function follow(session: Session, after: number): Promise<number> {
  const { baseUrl, stdout, options } = session;
  const onConnection = (connected: boolean): void => {
    if (!connected) session.note('the event stream broke: connecting again');
  };
  for await (const event of followEvents({ baseUrl, after, signal: session.interruption(), onConnection })) {
    const inWords = (): void => stdout.print(tableOf(session, EVENT, [event], false));
    if (options.output === 'yaml') stdout.print(['---']);
    if (options.output === 'json') stdout.foreign(`${JSON.stringify(event)}\n`);
    else await print(session, event, [EVENT.name(event)], inWords);
  }
  return ExitCode.interrupted;
}

export const eventCommands = [command('events', 'what happened', ['follow', 'after'], events)];

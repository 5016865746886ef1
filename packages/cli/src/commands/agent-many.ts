/** What is done to many agents: as many at a time as their groups have places for, until all have had their turn. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, allItems, type Client, type ManyAgents, type RequestOf } from '@flaghoist/api';
import { CliError, ExitCode } from '../exit-code.ts';
import { print } from '../output/print.ts';
import { oneLine, plural } from '../output/text.ts';
import type { Session } from '../session.ts';

/** Between two requests while places are awaited, milliseconds. */
const ASK_AGAIN = 1_000;

type Chosen = Pick<RequestOf<'restartAgents'>['body'], 'selector' | 'expected' | 'agents'>;
type Call = (client: Client, chosen: Chosen) => Promise<ManyAgents>;

/** Nobody had a place: nothing was done. */
const NOTHING: ManyAgents = { done: [], refused: [], waiting: [] };

async function ask(client: Client, call: Call, chosen: Chosen): Promise<ManyAgents> {
  try {
    return await call(client, chosen);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'no-place') return NOTHING;
    throw error;
  }
}

/**
 * Asks at a terminal with the number, then goes on as places come free. Ctrl-C stops, and says what was done. Resolves to 1
 * when agents refused. @throws CliError @throws ApiError
 */
export async function actOnMany(
  session: Session,
  selector: string,
  [todo, past]: readonly [todo: string, past: string],
  call: Call,
): Promise<number> {
  const { client, io, stderr, stdout } = session;
  const ids = (await allItems((cursor) => client.listAgents({ selector, cursor, limit: 1_000 }))).map(({ id }) => id);
  if (ids.length === 0) throw new CliError(`${selector} selects no agent`, ExitCode.notFound);
  await session.confirm(`${todo} ${plural(ids.length, 'agent')} (${selector})?`);
  const interrupted = io.interruption();
  let all: ManyAgents = { ...NOTHING, waiting: ids };
  for (let chosen: Chosen = { selector, expected: ids.length }; all.waiting.length > 0; ) {
    const { done, refused, waiting } = await ask(client, call, chosen);
    if (done.length + refused.length > 0) {
      all = { done: [...all.done, ...done], refused: [...all.refused, ...refused], waiting };
      chosen = { agents: waiting };
    }
    if (all.waiting.length === 0) break;
    stderr.draw([`${all.done.length}/${ids.length} ${past}, ${all.waiting.length} wait for a place in flight`]);
    await sleep(ASK_AGAIN, undefined, { signal: interrupted }).catch(() => undefined);
    if (interrupted.aborted) break;
  }
  const names = all.done.map(({ agent }) => `agent/${agent}`);
  await print(session, all, names, () => {
    stdout.print(all.refused.map(({ name, message }) => `agent/${oneLine(name)} not ${past}: ${oneLine(message)}`));
    stdout.print([`${all.done.length} of ${plural(ids.length, 'agent')} ${past}`]);
  });
  if (interrupted.aborted && all.waiting.length > 0)
    throw new CliError(`stopped: ${all.waiting.length} had no turn`, ExitCode.interrupted);
  return all.refused.length > 0 ? ExitCode.negative : ExitCode.ok;
}

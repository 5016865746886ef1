/** `push`: a revision and its rollout, or pin, in one step. */
import { CliError } from '../exit-code.ts';
import { printResult } from '../output/print.ts';
import { agentId, bare } from '../references.ts';
import type { Session } from '../session.ts';
import { readText, save } from './configuration.ts';
import { confirmStart, type StartOptions, startAt, startedText } from './rollout.ts';

export interface PushOptions extends StartOptions {
  readonly configuration: string;
  readonly agent?: string;
  readonly message: string;
}

/** @throws CliError when it should go to more than one place */
function checkDestination({ group, agent, fleet }: PushOptions): void {
  if ([group, agent, fleet].filter((given) => given !== undefined).length > 1) {
    throw new CliError('a push goes to one place: give one of --group G, --agent ID, --fleet');
  }
}

/** Where the push goes, looked up before anything is saved, so that a misspelt name changes nothing. */
async function lookUp(session: Session, configuration: string, options: PushOptions) {
  const client = await session.client();
  if (options.agent !== undefined) return { agent: await agentId(client, options.agent), starts: false };
  if (options.group !== undefined) await client.getGroup({ name: bare('group', options.group) });
  const starts = options.group !== undefined || options.fleet === true;
  if (starts) await confirmStart(session, configuration, options);
  return { agent: undefined, starts };
}

export async function push(session: Session, file: string, options: PushOptions): Promise<number> {
  checkDestination(options);
  const { timeoutOf, watchPin, watchRollouts } = await import('./watch.ts');
  const timeout = timeoutOf(options.timeout);
  const inWords = session.inWords();
  const body = await readText(session, file);
  const configuration = bare('configuration', options.configuration);
  const { agent, starts } = await lookUp(session, configuration, options);

  const client = await session.client();
  const author = await session.author(options.author);
  const revision = await save(session, configuration, body, { author, message: options.message });
  const name = `${configuration}@${revision.number}`;
  if (inWords) session.out(`${name}${revision.created ? '' : ' unchanged'}\n`);
  const reference = { configuration, revision: revision.number };

  const rollouts = starts ? await startAt(session, reference, { ...options, author }) : [];
  if (agent !== undefined) {
    await client.pinAgent({ id: agent, body: { ...reference, reason: options.message, author } });
  }
  await printResult(
    session,
    { revision, rollouts, pinned: agent ?? null },
    {
      words: agent === undefined ? startedText(rollouts) : `agent/${agent} pinned to ${name}\n`,
      names: [name, ...rollouts.map(({ id }) => `rollout/${id}`)],
    },
  );
  if (!starts && agent === undefined) {
    session.note(`saved, pushed to nobody: flaghoist rollout start --group G --to ${name}\n`);
    return 0;
  }
  if (!options.watch) return 0;
  if (agent !== undefined) return watchPin(session, agent, revision.number, timeout);
  const ids = rollouts.map(({ id }) => id);
  return watchRollouts(session, ids, timeout);
}

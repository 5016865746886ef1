/** `push`: a revision and its rollout, or pin, in one step. */
import { randomUUID } from 'node:crypto';
import { ApiError } from '@flaghoist/api';
import { command, type Given } from '../command.ts';
import { CliError } from '../exit-code.ts';
import { print } from '../output/print.ts';
import { plural } from '../output/text.ts';
import { calledFile, readText } from '../read-text.ts';
import { agentId, bare } from '../references.ts';
import type { Session } from '../session.ts';
import { confirmStart, ROLLOUT, type Starting, startAt, starting } from './rollout.ts';
import { timeoutOf, watchPin, watchRollouts } from './watch.ts';

interface By {
  readonly author: string;
  readonly message: string;
}

/** Saves a text, and the configuration too when it is new; of a broken text nothing is saved. */
async function save(session: Session, name: string, path: string, body: string, by: By) {
  const { client } = session;
  const files = { '': { body, contentType: 'text/yaml' } };
  const { checkText } = await import('@flaghoist/fleet');
  const problems = checkText(files).map((problem) => ({ ...problem, file: calledFile(path) }));
  if (problems.length > 0)
    throw new ApiError('invalid-config', `${name} was not saved: ${plural(problems.length, 'problem')}`, problems);
  const request = { name, idempotencyKey: randomUUID(), body: { files, ...by } };
  try {
    return await client.createRevision(request);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'not-found') throw error;
  }
  await client.putConfiguration({ name, body: { author: by.author } });
  session.note(`configuration/${name} created\n`);
  return client.createRevision(request);
}

type PushOptions = Starting & Given<'configuration!' | 'message!' | 'agent'>;

async function push(session: Session, options: PushOptions, file: string): Promise<number> {
  const { message, group, fleet } = options;
  if ([group, options.agent, fleet].filter((given) => given !== undefined).length > 1)
    throw new CliError('a push goes to one place: give one of --group G, --agent ID, --fleet');
  const timeout = await timeoutOf(options.timeout);
  const body = await readText(session, file);
  const configuration = bare('configuration', options.configuration);
  const { client } = session;
  // Where it goes is looked up before anything is saved, so that a misspelt name changes nothing.
  const agent = options.agent === undefined ? null : await agentId(client, options.agent);
  const starts = group !== undefined || fleet === true;
  if (starts) await confirmStart(session, configuration, options);

  const author = session.author(options.author);
  const revision = await save(session, configuration, file, body, { author, message });
  const name = `${configuration}@${revision.number}`;
  session.say(`${name}${revision.created ? '' : ' unchanged'}\n`);
  const target = { configuration, revision: revision.number };
  const rollouts = starts ? await startAt(session, target, options) : [];
  if (agent !== null) {
    await client.pinAgent({ id: agent, body: { ...target, reason: message, author } });
    session.say(`agent/${agent} pinned to ${name}\n`);
  }
  const names = [name, ...rollouts.map(ROLLOUT.name)];
  await print(session, { revision, rollouts, pinned: agent }, { names, text: () => '' });
  if (!starts && agent === null)
    session.note(`saved, pushed to nobody: flaghoist rollout start --group G --to ${name}\n`);
  if (options.watch && agent !== null) return watchPin(session, agent, target, timeout);
  return options.watch && starts ? watchRollouts(session, rollouts, timeout) : 0;
}

const ABOUT = 'save a text (- for standard input) and send it out: to a group, an agent or the fleet';
export const pushCommands = [command('push <file>', ABOUT, ['configuration!', 'message!', 'agent', ...starting], push)];

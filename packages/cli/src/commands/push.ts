/** `push`: a revision and its rollout, or pin, in one step. */
import { randomUUID } from 'node:crypto';
import { command, type Given } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { print } from '../output/print.ts';
import { watchRollouts } from '../progress/watch.ts';
import { agentId, ifThere } from '../references.ts';
import type { Session } from '../session.ts';
import { calledFile, checkTexts, readText } from '../texts.ts';
import { ROLLOUT } from './rollout.ts';
import { checkStart, startAt, starting } from './rollout-start.ts';

const TAKES = ['configuration!', 'message!', 'agent', ...starting] as const;
type PushOptions = Given<(typeof TAKES)[number]>;

async function push(session: Session, options: PushOptions, file: string): Promise<number> {
  const { configuration, message, author, group, fleet, watch, timeout } = options;
  const { client, stderr } = session;
  const files = { '': { body: await readText(session, file), contentType: 'text/yaml' } };
  checkTexts(configuration, files, () => calledFile(file));
  // Where it goes is looked up before anything is saved, so that a misspelt name changes nothing.
  const agent = options.agent === undefined ? null : await agentId(client, options.agent);
  const starts = group !== undefined || fleet === true;
  await checkStart(session, configuration, options);

  if ((await ifThere(client.getConfiguration({ name: configuration }))) === undefined) {
    await client.putConfiguration({ name: configuration, body: { author } });
    stderr.print([`configuration/${configuration} created`]);
  }
  const body = { files, message, author };
  const revision = await client.createRevision({ name: configuration, idempotencyKey: randomUUID(), body });
  const name = `${configuration}@${revision.number}`;
  session.say(`${name}${revision.created ? '' : ' unchanged'}`);

  const target = { configuration, revision: revision.number };
  const rollouts = starts ? await startAt(session, target, options) : [];
  if (agent !== null) {
    await client.pinAgent({ id: agent, body: { ...target, reason: message, author } });
    session.say(`agent/${agent} pinned to ${name}`);
    stderr.print([`what it makes of it: flaghoist agent show ${agent}`]);
  }
  await print(session, { revision, rollouts, pinned: agent }, [name, ...rollouts.map(ROLLOUT.name)]);
  if (!starts && agent === null)
    stderr.print([`saved, pushed to nobody: flaghoist rollout start --group G --to ${name}`]);
  return watch && starts ? watchRollouts(session, rollouts, timeout) : ExitCode.ok;
}

const ABOUT = 'save a text (- for standard input) and send it out: to a group, an agent or the fleet';
export const pushCommands = [command('push <file>', ABOUT, TAKES, push)];

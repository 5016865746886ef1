import type { Webhook } from '@flaghoist/api';
import { command, type Given } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { webhookManifest } from '../manifests/manifest.ts';
import { type Kind, listing, print } from '../output/print.ts';
import { renderFacts } from '../output/table.ts';
import { plural } from '../output/text.ts';
import type { Session } from '../session.ts';

const WEBHOOK: Kind<Webhook> = {
  name: ({ name }) => `webhook/${name}`,
  columns: ['name', 'state', 'format', 'events', 'waiting', 'delivered', 'dropped', ['error', (one) => one.lastError]],
  wide: ['url', 'secret', 'selector', 'since', 'lastDeliveredAt'],
};

async function showWebhook(session: Session, _: object, name: string) {
  const webhook = await session.client.getWebhook({ name });
  const { version, ...facts } = webhook;
  const inWords = () => session.stdout.print(renderFacts(facts, session.io.now()));
  return print(session, webhook, [WEBHOOK.name(webhook)], inWords, () => webhookManifest(webhook));
}

/** Exits 0 when the receiver took it, 1 when it did not. */
async function testWebhook(session: Session, { author }: Given<'author!'>, name: string): Promise<number> {
  const answer = await session.client.testWebhook({ name, author });
  const { delivered, status, millis, error } = answer;
  const outcome = delivered ? `delivered: it answered ${status}` : `not delivered: ${error}`;
  await print(session, answer, [`webhook/${name}`], () => session.stdout.print([`${outcome} (${millis} ms)`]));
  return delivered ? ExitCode.ok : ExitCode.negative;
}

async function deleteWebhook(session: Session, { author }: Given<'author!'>, name: string): Promise<undefined> {
  const { version, waiting } = await session.client.getWebhook({ name });
  const lost = waiting === 0 ? '' : `, and what waits for it (${plural(waiting, 'event')})`;
  await session.confirm(`webhook/${name}: delete it${lost}?`);
  await session.client.deleteWebhook({ name, author, ifMatch: version });
  return print(session, { name }, [`webhook/${name}`], () => session.stdout.print([`webhook/${name} deleted`]));
}

const listWebhooks = listing(WEBHOOK, (client, page) => client.listWebhooks(page));

export const webhookCommands = [
  command('list', 'list webhooks, and how they go', [], listWebhooks),
  command('show <webhook>', 'show a webhook', [], showWebhook),
  command('test <webhook>', 'send a test event, and tell what the receiver answered', ['author!'], testWebhook),
  command('delete <webhook>', 'delete a webhook, and what waits to be sent to it', ['author!'], deleteWebhook),
];

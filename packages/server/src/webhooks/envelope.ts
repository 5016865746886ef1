/** What a receiver gets for an event: the body in the shape that its webhook asks for, and the headers that sign it. */
import { createHmac } from 'node:crypto';
import type { Instant } from '@flaghoist/fleet';
import type { JournalEvent } from '../events/journal-event.ts';
import { SERVER_LIMITS } from '../limits.ts';
import type { WebhookSettings } from './webhook.ts';

/** An event, or one that only a test is about. */
export type Told = Omit<JournalEvent, 'kind'> & { readonly kind: JournalEvent['kind'] | 'webhook.test' };

const timeText = (at: Instant): string => new Date(at).toISOString();

/** As Standard Webhooks recommends: what happened, when, and the matter itself. */
const standard = ({ kind, at, seq, author, subject, data }: Told) => ({
  type: kind,
  timestamp: timeText(at),
  seq,
  author,
  subject,
  data,
});

/** What agents say must not address anybody (`<!channel>`). */
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').slice(0, SERVER_LIMITS.slackText);

const SIGNS: Readonly<Record<string, string>> = {
  'alert.raised': ':red_circle:',
  'alert.updated': ':large_orange_circle:',
  'alert.resolved': ':large_green_circle:',
};

/** Incoming webhooks of Slack, and of those who take the same. */
function slack({ kind, subject, author, data }: Told) {
  const { summary, message, group } = data;
  const place = typeof group === 'string' ? ` (group ${group})` : '';
  const words = summary ?? `${subject}${place} by ${author}${message ? `: ${message}` : ''}`;
  const what = typeof data['kind'] === 'string' ? `${data['kind']} ${kind}` : kind;
  return { text: escaped(`${SIGNS[kind] ?? ':information_source:'} ${what}: ${words}`) };
}

/** One alert for the v2 API of Alertmanager. Labels tell it apart, so they never change while it is active. */
export function alertmanagerAlert(data: Told['data'], now: Instant) {
  const { id, kind, group, rollout, summary, count, remaining, raisedAt, resolvedAt } = data;
  const labels = { alertname: `Flaghoist ${kind}`, kind, alert: id, group: group ?? '', rollout: rollout ?? '' };
  // Without an end Alertmanager calls it resolved after five minutes; it is sent anew before this one comes.
  const endsAt = resolvedAt ?? timeText(now + SERVER_LIMITS.alertmanagerValid);
  const annotations = { summary, count: String(count), remaining: String(remaining) };
  return { labels, annotations, startsAt: raisedAt, endsAt };
}

/** What is sent of an event; undefined for what the format has no words for. */
export function bodyOf({ format }: Pick<WebhookSettings, 'format'>, event: Told, now: Instant): unknown {
  if (format === 'standard') return standard(event);
  if (format === 'slack') return slack(event);
  return 'raisedAt' in event.data ? [alertmanagerAlert(event.data, now)] : undefined;
}

/** The event of a test: an alert that begins and ends now. */
export function testEvent(name: string, author: string, now: Instant): Told {
  const summary = `this is a test of webhook ${name}`;
  const [at, nobody] = [
    timeText(now),
    { group: null, rollout: null, revision: null, count: 0, remaining: 0, causes: [] },
  ];
  const data = { id: 'test', kind: 'test', summary, ...nobody, raisedAt: at, updatedAt: at, resolvedAt: at };
  return { seq: 0, at: now, kind: 'webhook.test', author, subject: `webhook/${name}`, data };
}

/** Bytes of a secret, as Standard Webhooks writes it. @throws Error that says how. */
function keyOf(secret: string): Buffer {
  const key = Buffer.from(secret.trim().replace(/^whsec_/, ''), 'base64');
  if (key.length >= 16 && key.length <= 64) return key;
  throw new Error(
    'the secret must be whsec_ and 16 to 64 bytes in base64, such as: echo "whsec_$(openssl rand -base64 32)"',
  );
}

/** Headers of Standard Webhooks 1.0; without a secret there is no signature. @throws Error when the secret is none. */
export function headersOf(id: string, body: string, now: Instant, secret?: string): Record<string, string> {
  const timestamp = String(Math.floor(now / 1_000));
  const headers = { 'content-type': 'application/json', 'user-agent': 'flaghoist', 'webhook-id': id };
  if (secret === undefined) return { ...headers, 'webhook-timestamp': timestamp };
  const signature = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

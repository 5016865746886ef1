/** A webhook as data: where events are sent, which ones and in which shape. */
import type { Instant, WebhookFormat } from '@flaghoist/fleet';

/** A value that stands in the server's environment, so that it is never stored (X9). */
export interface FromEnvironment {
  readonly env: string;
}

export interface WebhookSettings {
  /** May be a secret as a whole, as those of Slack are: then it stands in the environment. */
  readonly url: string | FromEnvironment;
  /** Standard Webhooks: `whsec_` and base64. */
  readonly secret: FromEnvironment | null;
  /** Kinds of events; `alert.*` is all that begin with `alert.`. */
  readonly events: readonly string[];
  /** Only what concerns agents with these labels; empty for everything. */
  readonly selector: string;
  readonly format: WebhookFormat;
}

/**
 * How it goes: `failing` after some attempts in a row, `gone` once the receiver said 410, until somebody changes the
 * webhook. What changes with each delivery is not stored with each: numbers may be some seconds old after a crash.
 */
export interface WebhookStatus {
  readonly state: 'ok' | 'failing' | 'gone';
  /** Since when; null while it is `ok`. */
  readonly since: Instant | null;
  /** Of the last attempt that failed since the last that did not; empty for none. */
  readonly lastError: string;
  readonly lastDeliveredAt: Instant | null;
  readonly delivered: number;
  /** Given up: the queue was full, or a day had passed. */
  readonly dropped: number;
}

export interface Webhook extends WebhookSettings {
  readonly name: string;
  readonly createdAt: Instant;
  readonly status: WebhookStatus;
}

/** One event for one webhook, until it is delivered. */
export interface Delivery {
  /** The `webhook-id`: the same at each attempt, before and after a restart. */
  readonly id: string;
  readonly webhook: string;
  /** Number of the event. */
  readonly event: number;
  readonly at: Instant;
}

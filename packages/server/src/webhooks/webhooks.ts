/** The webhooks: who is told of which events. What is to be told stands in the commit of its event; couriers bring it. */
import * as fleet from '@flaghoist/fleet';
import { alertData } from '../alerts/alert-data.ts';
import { randomId } from '../clock.ts';
import type { JournalEvent } from '../events/journal-event.ts';
import { SERVER_LIMITS } from '../limits.ts';
import type { Memory } from '../memory.ts';
import type { Reach } from './address-guard.ts';
import { concerned } from './concerned.ts';
import { Courier } from './courier.ts';
import { alertmanagerAlert, bodyOf, headersOf, testEvent } from './envelope.ts';
import { type Answer, post } from './post.ts';
import type { Delivery, FromEnvironment, Webhook, WebhookSettings, WebhookStatus } from './webhook.ts';

/** What webhooks need of the world outside. */
export interface Outside {
  readonly random: () => number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly reachOf: (address: string) => Reach;
}

type Parts = Outside & Pick<Memory, 'journal' | 'now' | 'machine' | 'roster' | 'alerts' | 'toTell'>;

interface Kept {
  row: Webhook;
  selector: fleet.Selector;
  readonly courier: Courier;
}

const NEW: WebhookStatus = { state: 'ok', since: null, lastError: '', lastDeliveredAt: null, delivered: 0, dropped: 0 };

const unsent = (error: unknown): Answer => ({ status: null, millis: 0, error: (error as Error).message });

export class Webhooks {
  readonly #parts: Parts;
  readonly #byName = new Map<string, Kept>();
  /** Whose numbers have changed since they were stored. */
  readonly #unsaved = new Set<Kept>();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
    const { webhooks, deliveries } = parts.toTell;
    const waiting = Map.groupBy(deliveries, ({ webhook }) => webhook);
    for (const row of webhooks) this.#keep(row, waiting.get(row.name));
  }

  /** Begins to write down what happens, and to deliver. */
  start(): void {
    const { journal } = this.#parts;
    journal.onRecorded = (event) => this.#enqueue(event);
    const wake = () => this.#byName.values().forEach(({ courier }) => courier.wake());
    journal.on('told', wake);
    wake();
    this.#timers.push(
      setInterval(() => this.#save(), SERVER_LIMITS.webhookSave),
      setInterval(() => void this.#remind(), SERVER_LIMITS.alertmanagerRepeat),
    );
  }

  stop(): void {
    this.#timers.forEach(clearInterval);
    this.#save();
    for (const { courier } of this.#byName.values()) courier.stop();
  }

  list() {
    return Array.from(this.#byName.values(), (kept) => this.#view(kept));
  }

  find(name: string) {
    const kept = this.#byName.get(name);
    return kept && this.#view(kept);
  }

  /** @throws FleetError `not-found`. */
  get(name: string) {
    return this.#view(this.#get(name));
  }

  /** What waits goes on to the new address, at once. @throws FleetError `invalid-selector`, `invalid`. */
  put(name: string, settings: WebhookSettings, author: string): void {
    const selector = fleet.parseSelector(settings.selector);
    if (settings.format === 'standard' && settings.secret === null)
      throw new fleet.FleetError(
        'invalid',
        'a webhook of format standard needs a secret: { env: NAME } of a variable with whsec_… in it',
      );
    const before = this.#byName.get(name);
    const { createdAt = this.#parts.now(), status = NEW } = before?.row ?? {};
    const row: Webhook = { name, ...settings, createdAt, status };
    const kept = before ?? this.#keep(row);
    Object.assign(kept, { row, selector });
    this.#parts.journal.write({ kind: 'webhook', row });
    // Without the address, which may be a secret as a whole.
    const { url: _, ...told } = settings;
    this.#parts.journal.record(
      before === undefined ? 'webhook.created' : 'webhook.updated',
      `webhook/${name}`,
      told,
      author,
    );
    kept.courier.renew();
  }

  /** @throws FleetError `not-found`. */
  delete(name: string, author: string): void {
    const kept = this.#get(name);
    kept.courier.stop();
    this.#byName.delete(name);
    this.#unsaved.delete(kept);
    this.#parts.journal.write({ kind: 'webhook-deleted', name });
    this.#parts.journal.record('webhook.deleted', `webhook/${name}`, {}, author);
  }

  /** Sends an event that is only a test, past the queue. @throws FleetError `not-found`. */
  async test(name: string, author: string): Promise<Answer> {
    const { row } = this.#get(name);
    const event = testEvent(name, author, this.#parts.now());
    return this.#post(row, this.#newId(), bodyOf(row, event, this.#parts.now()));
  }

  #newId(): string {
    return randomId('msg_', this.#parts.machine);
  }

  #get(name: string): Kept {
    return fleet.found(this.#byName.get(name), `no webhook is called ${JSON.stringify(name)}`);
  }

  /** What cannot be sent for want of a variable is told before the first attempt. */
  #view({ row, courier }: Kept) {
    const { status, waiting } = courier;
    const lack = status.state === 'ok' ? this.#lackOf(row) : undefined;
    return { ...row, ...status, ...(lack && { state: 'failing' as const, lastError: lack }), waiting };
  }

  #lackOf(row: Webhook): string | undefined {
    try {
      this.#readyToSend(row, '', '');
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  #keep(row: Webhook, waiting: readonly Delivery[] = []): Kept {
    const { journal, now, random } = this.#parts;
    const kept: Kept = {
      row,
      selector: fleet.parseSelector(row.selector),
      courier: new Courier(
        {
          now,
          random,
          durable: () => journal.last,
          send: (delivery) => this.#send(kept.row, delivery),
          done: (deliveries) =>
            journal.write(...deliveries.map(({ id }) => ({ kind: 'delivery-deleted', id }) as const)),
          changed: (before, status) => this.#changed(kept, before, status),
        },
        row.status,
        waiting,
      ),
    };
    this.#byName.set(row.name, kept);
    return kept;
  }

  /** Called while an event is recorded, for each one: what is written here stands in its commit. */
  #enqueue(event: JournalEvent): void {
    for (const { row, selector, courier } of this.#byName.values()) {
      if (!fleet.namesEvent(row.events, event.kind)) continue;
      if (row.format === 'alertmanager' && !event.kind.startsWith('alert.')) continue;
      if (selector.requirements.length > 0 && !this.#concerns(event, selector)) continue;
      const delivery = { id: this.#newId(), webhook: row.name, event: event.seq, at: event.at };
      if (courier.add(delivery)) this.#parts.journal.write({ kind: 'delivery', row: delivery });
    }
  }

  #concerns(event: JournalEvent, selector: fleet.Selector): boolean {
    for (const identity of concerned(this.#parts, event))
      if (fleet.matches(selector, fleet.labelsOf(identity))) return true;
    return false;
  }

  async #send(row: Webhook, { id, event: seq }: Delivery): Promise<Answer | undefined> {
    // What is no longer kept cannot be told any more.
    const event = await this.#parts.journal.find(seq).catch(() => undefined);
    const body = event && bodyOf(row, event, this.#parts.now());
    return body === undefined ? undefined : this.#post(row, id, body);
  }

  async #post(settings: WebhookSettings, id: string, content: unknown): Promise<Answer> {
    try {
      const body = JSON.stringify(content);
      const { target, headers } = this.#readyToSend(settings, id, body);
      return await post(target, headers, body, this.#parts.reachOf);
    } catch (error) {
      return unsent(error);
    }
  }

  /** @throws Error that says what the server's environment lacks. */
  #readyToSend({ url, secret }: WebhookSettings, id: string, body: string) {
    const key = secret === null ? undefined : this.#read(secret);
    const headers = headersOf(id, body, this.#parts.now(), key);
    const address = typeof url === 'string' ? url : this.#read(url);
    const target = URL.parse(address);
    if (target === null || !/^https?:$/.test(target.protocol) || target.username || target.password)
      throw new Error('its address is none: give https://HOST/PATH, without user and password');
    return { target, headers };
  }

  #read({ env }: FromEnvironment): string {
    const value = this.#parts.environment[env];
    if (value) return value;
    throw new Error(`the server's environment has no variable ${env}: set it where the server is started`);
  }

  #changed(kept: Kept, before: WebhookStatus, status: WebhookStatus): void {
    if (this.#byName.get(kept.row.name) !== kept) return;
    this.#unsaved.add(kept);
    if (before.state === status.state) return;
    this.#save();
    const { name } = kept.row;
    const { lastError: error, dropped } = status;
    if (status.state === 'ok') this.#parts.journal.record('webhook.recovered', `webhook/${name}`, { dropped });
    else
      this.#parts.journal.record('webhook.failing', `webhook/${name}`, {
        state: status.state,
        error,
        waiting: kept.courier.waiting,
      });
  }

  #save(): void {
    for (const kept of this.#unsaved) {
      kept.row = { ...kept.row, status: kept.courier.status };
      this.#parts.journal.write({ kind: 'webhook', row: kept.row });
    }
    this.#unsaved.clear();
  }

  /** Alertmanager forgets what it does not hear of again. */
  async #remind(): Promise<void> {
    const { alerts: all, now } = this.#parts;
    const active = all.all().filter(({ resolvedAt }) => resolvedAt === null);
    const alerts = active.map((alert) => alertmanagerAlert(alertData(alert), now()));
    if (alerts.length === 0) return;
    for (const { row, courier } of this.#byName.values())
      if (row.format === 'alertmanager' && courier.status.state === 'ok') await this.#post(row, this.#newId(), alerts);
  }
}

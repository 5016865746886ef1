import { createHash } from 'node:crypto';
import {
  type Agent,
  type ConfigFiles,
  compareStructures,
  type EffectiveConfig,
  type EffectiveVerdict,
  fill,
  type Instant,
  LIMITS,
  labelsOf,
  TemplateBook,
  type Understood,
} from '@flaghoist/fleet';
import { SERVER_LIMITS } from '../limits.ts';
import type { Change, Store } from '../storage/store.ts';
import type { TextReader } from './reader.ts';

export interface ReceivedFile {
  readonly name: string;
  readonly contentType: string;
  readonly body: string;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What two reports have in common when they differ only in holes. */
const keyOf = (effective: EffectiveConfig): string =>
  effective.files.map((file) => `${file.name}:${file.template}`).join(' ');
const bodiesOf = (files: readonly ReceivedFile[]): Record<string, string> =>
  Object.fromEntries(files.map(({ name, body }) => [name, body]));
const textsOf = (files: ConfigFiles): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, { body }]) => [name, body]));

/** Bounded memory of promises by key, oldest out first. */
class Remembered<T> {
  readonly #values = new Map<string, T>();

  get(key: string): T | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: T): T {
    this.#values.set(key, value);
    if (this.#values.size > SERVER_LIMITS.structuresKept) {
      for (const oldest of this.#values.keys()) {
        this.#values.delete(oldest);
        break;
      }
    }
    return value;
  }
}

/** Effective configs: each distinct text stored and understood once, however many agents report it. */
export class EffectiveConfigs {
  readonly #book = new TemplateBook(sha256);
  readonly #verdicts = new Remembered<EffectiveVerdict | 'pending'>();
  readonly #structures = new Remembered<Promise<Understood>>();
  readonly #waiting = new Map<string, Set<string>>();
  readonly #reader: TextReader;
  readonly #store: Pick<Store, 'texts' | 'files'>;
  /** Called for each agent whose verdict was pending. */
  onVerdict: (agent: string) => void = () => {};

  constructor(reader: TextReader, store: Pick<Store, 'texts' | 'files'>) {
    this.#reader = reader;
    this.#store = store;
  }

  /** Takes in a report: what to keep of it, and the texts that are new. */
  receive(
    agent: Agent,
    files: readonly ReceivedFile[],
    now: Instant,
  ): { effective: EffectiveConfig; changes: Change[] } {
    const changes: Change[] = [];
    const values = Object.values(labelsOf(agent.identity));
    const { instanceUid: uid } = agent.identity;
    values.push(
      uid,
      `${uid.slice(0, 8)}-${uid.slice(8, 12)}-${uid.slice(12, 16)}-${uid.slice(16, 20)}-${uid.slice(20)}`,
    );
    const stored = files.map(({ name, contentType, body }) => {
      const bytes = Buffer.byteLength(body);
      if (bytes > LIMITS.effectiveBytes)
        return { name, contentType, template: null, holes: [sha256(body)], bytes };
      const masked = this.#book.mask(body, values);
      if (masked.isNew) changes.push({ kind: 'text', digest: masked.digest, body: masked.template });
      return { name, contentType, template: masked.digest, holes: masked.holes, bytes };
    });
    const effective: EffectiveConfig = { files: stored, digest: sha256(JSON.stringify(stored)), at: now };
    // The text is not in the store before the commit: understand it from here.
    if (changes.length > 0) this.#structures.set(keyOf(effective), this.#reader.understand(bodiesOf(files)));
    return { effective, changes };
  }

  /** What the agent's effective config says of the revision it should run; undefined while it is being found out. */
  verdict(agent: Agent): EffectiveVerdict | undefined {
    const { desired } = agent.assignment;
    const { effective } = agent.report;
    if (desired === null || effective === null) return undefined;
    if (effective.files.some((file) => file.template === null))
      return { kind: 'inconclusive', why: 'the text is over the limit' };
    const key = `${desired.hash} ${keyOf(effective)}`;
    const known = this.#verdicts.get(key);
    if (known !== undefined && known !== 'pending') return known;
    const waiting = this.#waiting.get(key) ?? new Set();
    waiting.add(agent.identity.id);
    this.#waiting.set(key, waiting);
    if (known === undefined) {
      this.#verdicts.set(key, 'pending');
      void this.#compare(key, desired.hash, effective);
    }
    return undefined;
  }

  async #compare(key: string, hash: string, effective: EffectiveConfig): Promise<void> {
    const [offered, running] = await Promise.all([this.#offered(hash), this.#running(effective)]);
    const verdict: EffectiveVerdict =
      'unparsed' in offered
        ? { kind: 'inconclusive', why: `the offer was not understood: ${offered.unparsed}` }
        : 'unparsed' in running
          ? { kind: 'inconclusive', why: `the effective config was not understood: ${running.unparsed}` }
          : compareStructures(offered.structure, running.structure);
    this.#verdicts.set(key, verdict);
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    for (const agent of waiting) this.onVerdict(agent);
  }

  #offered(hash: string): Promise<Understood> {
    const known = this.#structures.get(hash);
    return (
      known ??
      this.#structures.set(
        hash,
        this.#store.files(hash).then((files) => this.#reader.understand(textsOf(files ?? {}))),
      )
    );
  }

  /** The structure has no part in a hole, so any agent's fillings will do. */
  #running(effective: EffectiveConfig): Promise<Understood> {
    const key = keyOf(effective);
    const known = this.#structures.get(key);
    return (
      known ??
      this.#structures.set(
        key,
        this.bodies(effective).then((bodies) => this.#reader.understand(bodies)),
      )
    );
  }

  /** The texts as they were reported, by name. */
  async bodies(effective: EffectiveConfig): Promise<Record<string, string>> {
    const texts = await this.#store.texts(effective.files.flatMap((file) => file.template ?? []));
    const bodies: Record<string, string> = Object.create(null);
    for (const file of effective.files) {
      const template = file.template === null ? undefined : texts.get(file.template);
      if (template !== undefined) bodies[file.name] = fill(template, file.holes);
    }
    return bodies;
  }
}

import { hash } from 'node:crypto';
import * as fleet from '@flaghoist/fleet';
import { MACHINE, type Machine } from '../clock.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { Remembered } from '../remembered.ts';
import type { Change, Store } from '../storage/store.ts';
import type { TextReader } from './reader.ts';

/** One text as an agent reports it. */
export type ReceivedFile = Omit<fleet.EffectiveFile, 'template' | 'holes'> & { readonly body: string };

type Texts = Readonly<Record<string, string>>;

/** A comparison that agents wait for. */
interface Waiting {
  readonly hash: string;
  readonly effective: fleet.EffectiveConfig;
  readonly agents: Set<fleet.AgentId>;
}

const sha256 = (text: string): string => hash('sha256', text);

const textsOf = (files: fleet.ConfigFiles): Texts =>
  Object.fromEntries(Object.entries(files).map(([name, { body }]) => [name, body]));

const keys = new WeakMap<fleet.EffectiveConfig, string>();

/** What two reports have in common when they differ only in holes; a digest, because agents choose the names. */
function keyOf(effective: fleet.EffectiveConfig): string {
  const key = keys.get(effective) ?? sha256(JSON.stringify(effective.files.map((f) => [f.name, f.template])));
  keys.set(effective, key);
  return key;
}

const inconclusive = (why: string): fleet.EffectiveVerdict => ({ kind: 'inconclusive', why });

/** Effective configs: each distinct text stored and understood once, however many agents report it. */
export class EffectiveConfigs {
  readonly #book = new fleet.TemplateBook(sha256);
  readonly #verdicts = new Remembered<fleet.EffectiveVerdict>(SERVER_LIMITS.verdictsKept);
  readonly #structures = new Remembered<fleet.Understood>(SERVER_LIMITS.structuresKept);
  /** Comparisons to be made, one after the other, oldest first; an agent waits for one at most. */
  readonly #waiting = new Map<string, Waiting>();
  /** Agents for which there was no room. */
  readonly #refused = new Set<fleet.AgentId>();
  #isJudging = false;
  readonly #reader: Pick<TextReader, 'understand'>;
  readonly #store: Pick<Store, 'texts' | 'files'>;
  readonly #machine: Machine;
  readonly #onVerdict: (agent: fleet.AgentId) => void;

  /** `onVerdict` is called for each agent whose verdict should be asked for again. */
  constructor(
    reader: Pick<TextReader, 'understand'>,
    store: Pick<Store, 'texts' | 'files'>,
    onVerdict: (agent: fleet.AgentId) => void,
    machine = MACHINE,
  ) {
    this.#machine = machine;
    this.#reader = reader;
    this.#store = store;
    this.#onVerdict = onVerdict;
  }

  /** Takes in a report: what to keep of it, and the texts to store with it. Nothing is understood before it must be. */
  receive(agent: fleet.Agent, files: readonly ReceivedFile[], now: fleet.Instant) {
    const changes: Change[] = [];
    const valuesOf = () => {
      const { instanceUid: uid } = agent.identity;
      const dashed = uid.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
      return [uid, dashed, ...Object.values(fleet.labelsOf(agent.identity))];
    };
    // The store drops texts that no report refers to, so only those of the present report are surely there.
    const stored = new Set(agent.report.effective?.files.map(({ template }) => template));
    const kept = files.map(({ body, ...file }) => {
      if (file.bytes > fleet.LIMITS.effectiveBytes) return { ...file, template: null, holes: [sha256(body)] };
      const { digest, template, holes } = this.#book.mask(body, valuesOf);
      if (!stored.has(digest)) changes.push({ kind: 'text', digest, body: template });
      return { ...file, template: digest, holes };
    });
    const effective: fleet.EffectiveConfig = { files: kept, digest: sha256(JSON.stringify(kept)), at: now };
    return { effective, changes };
  }

  /** What the agent's effective config says of the revision it should run; undefined while it is being found out. */
  verdict = ({ identity: { id }, ledger, report: { effective } }: fleet.Agent): fleet.EffectiveVerdict | undefined => {
    if (ledger === null || effective === null) return undefined;
    const { hash } = ledger.revision;
    if (effective.files.some((file) => file.template === null)) return inconclusive('the text is over the limit');
    if (effective.files.some(({ encoding }) => encoding !== undefined)) return inconclusive('a file is not UTF-8 text');
    const key = `${hash} ${keyOf(effective)}`;
    for (const [other, { agents }] of this.#waiting) {
      if (other !== key && agents.delete(id) && agents.size === 0) this.#waiting.delete(other);
    }
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    let waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      if (this.#waiting.size >= SERVER_LIMITS.textsWaiting) {
        this.#refused.add(id);
        return inconclusive('too many texts at once');
      }
      waiting = { hash, effective, agents: new Set() };
      this.#waiting.set(key, waiting);
    }
    waiting.agents.add(id);
    if (!this.#isJudging) void this.#judge();
    return undefined;
  };

  /** Makes the comparisons. Without an answer (a text not stored yet, a store that fails) they are asked for again. */
  async #judge(): Promise<void> {
    this.#isJudging = true;
    for (const [key, { hash, effective }] of this.#waiting) {
      const verdict = await this.#compare(hash, effective).catch(() => undefined);
      const agents = this.#waiting.get(key)?.agents ?? [];
      this.#waiting.delete(key);
      if (verdict === undefined) {
        this.#machine.later(() => this.#tell(agents), SERVER_LIMITS.tick);
      } else {
        this.#verdicts.set(key, verdict, key.length + verdict.why.length);
        this.#tell(agents);
      }
      if (this.#waiting.size > SERVER_LIMITS.textsWaiting / 2) continue;
      this.#tell(this.#refused);
      this.#refused.clear();
    }
    this.#isJudging = false;
  }

  #tell(agents: Iterable<fleet.AgentId>): void {
    for (const agent of agents) this.#onVerdict(agent);
  }

  async #compare(hash: string, effective: fleet.EffectiveConfig): Promise<fleet.EffectiveVerdict | undefined> {
    const offered = await this.#structure(hash, async () => {
      const files = await this.#store.files(hash);
      return files === null ? undefined : textsOf(files);
    });
    // The structure has no part in a hole, so any agent's fillings will do.
    const running = await this.#structure(keyOf(effective), async () => {
      const bodies = await this.bodies(effective);
      return effective.files.every(({ name }) => name in bodies) ? bodies : undefined;
    });
    if (offered === undefined || running === undefined) return undefined;
    if ('unparsed' in offered) return inconclusive(`the offer was not understood: ${offered.unparsed}`);
    const verdict =
      'unparsed' in running
        ? inconclusive(`the effective config was not understood: ${running.unparsed}`)
        : fleet.compareStructures(offered.structure, running.structure);
    return { ...verdict, why: verdict.why.slice(0, SERVER_LIMITS.verdictText) };
  }

  /** The structure of texts, from memory when it is known; undefined when the texts are not known yet. */
  async #structure(key: string, texts: () => Promise<Texts | undefined>): Promise<fleet.Understood | undefined> {
    const known = this.#structures.get(key);
    if (known !== undefined) return known;
    const bodies = await texts();
    if (bodies === undefined) return undefined;
    const understood = await this.#reader.understand(bodies);
    this.#structures.set(key, understood, key.length + JSON.stringify(understood).length);
    return understood;
  }

  /** The texts as they were reported, by name; without those that are not known (yet). */
  async bodies(effective: fleet.EffectiveConfig): Promise<Texts> {
    const digests = effective.files.flatMap(({ template }) => template ?? []);
    const remembered = new Map(digests.map((digest) => [digest, this.#book.get(digest)]));
    const unknown = digests.filter((digest) => remembered.get(digest) === undefined);
    const stored = unknown.length === 0 ? undefined : await this.#store.texts(unknown);
    const bodies: Record<string, string> = Object.create(null);
    for (const { name, template, holes } of effective.files) {
      const text = template === null ? undefined : (remembered.get(template) ?? stored?.get(template));
      if (text !== undefined) bodies[name] = fleet.fill(text, holes);
    }
    return bodies;
  }
}

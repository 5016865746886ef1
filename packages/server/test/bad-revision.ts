/**
 * T-A2: a fleet of simulated agents that is proven on one revision is given another one that none of them can run. What
 * became of it is read from the agents; of the server only when it stopped, and what it calls each of them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { allItems, type Client, type Rollout } from '@flaghoist/api';
import { Fleet, scenario } from '@flaghoist/simulator';
import { story, until } from './lab.ts';
import { Program } from './program.ts';

type Overrides = NonNullable<Parameters<Client['startRollout']>[0]['body']['overrides']>;

export interface Case {
  /** Becomes the name of a group, and of its configuration. */
  readonly name: string;
  readonly agents: number;
  /** As in a scenario file; it shows with what has `otlp/bad`, which is the bad revision alone. */
  readonly behaviour: Readonly<Record<string, unknown>> & { readonly kind: string };
  /** Over the scaled `careful`. */
  readonly overrides?: Overrides;
}

/** What the agents of a case saw, and when the server did what it had to. Times in ms. */
export interface Figures {
  readonly case: string;
  readonly agents: number;
  /** Agents that were ever offered the bad revision. */
  readonly exposed: number;
  readonly state: Rollout['state'];
  readonly reason: string;
  /** From the first bad offer to the first FAILED of an agent; without one, to the server's first verdict. */
  readonly toFailure: number;
  /** From there to the decision to stop. */
  readonly toStop: number;
  /** Bad offers that reached an agent after that decision. */
  readonly offersAfterStop: number;
  /** From the decision until every exposed agent that lives runs the good revision, healthy, and says APPLIED of it. */
  readonly toBack: number;
  /** Exposed agents that are so. */
  readonly back: number;
  /** What the server calls the targets in the end. */
  readonly counts: Readonly<Record<string, number>>;
  /** Agents that were dead, and back on the good revision once they lived again. */
  readonly revived: number;
  /** Agents that run anything but the good revision in the end. */
  readonly astray: number;
}

/** `careful`, in a hurry: its shape, its bounds and its canary of up to ten, with short times. */
const SCALED: Overrides = {
  canary: { min: 10 },
  applyTimeout: '4s',
  minHealthyTime: '2s',
  soak: { canary: '1s', stage: '1s' },
  bake: '1s',
  revertTimeout: '10s',
};

const ENDED: ReadonlySet<Rollout['state']> = new Set<Rollout['state']>([
  'succeeded',
  'rolled-back',
  'rolled-back-partial',
  'stopped-mixed',
]);

/** Until whatever a case waits for has happened; the real times of `careful` make the longest. */
const PATIENCE = 300_000;

const GOOD = story();
const BAD = story('otlp/bad');

/** One server, one fleet, a group for each case; all at the same time. */
export class Show implements AsyncDisposable {
  readonly #program: Program;
  readonly #fleet: Fleet;
  readonly #cases: readonly Case[];

  private constructor(program: Program, fleet: Fleet, cases: readonly Case[]) {
    this.#program = program;
    this.#fleet = fleet;
    this.#cases = cases;
  }

  /** All agents connected, and proven on the good revision. */
  static async start(cases: readonly Case[], seed: number): Promise<Show> {
    const program = await Program.create();
    await program.start();
    const groups = cases.map(({ name, agents, behaviour }) => ({
      name,
      count: agents,
      labels: { role: name },
      behaviours: [{ count: '100%', component: 'otlp/bad', ...behaviour }],
    }));
    const times = { heartbeat: '2s', applyTimeout: '1s', restartTime: '100ms..300ms' };
    const fleet = new Fleet({
      url: `ws://${program.addresses.opamp}/v1/opamp`,
      scenario: scenario({ seed, ...times, groups }),
    });
    const show = new Show(program, fleet, cases);
    await Promise.all(cases.map((one) => show.#proveGood(one)));
    return show;
  }

  /** The bad revision for all groups; figures are printed as they come. */
  run(): Promise<Figures[]> {
    return Promise.all(
      this.#cases.map(async (one) => {
        const figures = await this.#expose(one);
        process.stderr.write(`${told(figures)}\n`);
        return figures;
      }),
    );
  }

  async #push(group: string, body: string, strategy: string, overrides: Overrides) {
    const { client } = this.#program;
    const { number, hash } = await client.createRevision({
      name: group,
      body: { files: { '': { body } }, message: 'show' },
    });
    const { rollouts } = await client.startRollout({
      body: { group, configuration: group, revision: number, strategy, overrides, message: 'show' },
    });
    return { id: rollouts[0]?.id ?? '', hash };
  }

  async #proveGood({ name, agents }: Case): Promise<void> {
    const { client } = this.#program;
    await client.putConfiguration({ name, body: {} });
    await client.putGroup({ name, body: { selector: `role=${name}`, configuration: name } });
    await until(
      () => client.getGroup({ name }),
      (group) => group.agents === agents,
      PATIENCE,
    );
    const { id } = await this.#push(name, GOOD, 'all-at-once', { maxInFlight: '100%' });
    const { state, counts } = await until(
      () => client.getRollout({ id }),
      (rollout) => rollout.state !== 'running',
      PATIENCE,
    );
    if (state !== 'succeeded' || counts.proven !== agents)
      throw new Error(`${name}: ${state}, ${JSON.stringify(counts)}`);
  }

  async #expose({ name, agents, overrides = {} }: Case): Promise<Figures> {
    const { client } = this.#program;
    const { stable } = await client.getGroup({ name });
    const good = stable?.hash ?? '';
    const { id, hash: bad } = await this.#push(name, BAD, 'careful', { ...SCALED, ...overrides });
    const members = this.#fleet.records().filter((_, at) => this.#fleet.agents[at]?.group.name === name);
    const exposed = () => members.filter(({ timesOffered }) => (timesOffered[bad] ?? 0) > 0);
    const isBack = ({ running, healthy, statuses }: (typeof members)[number]): boolean => {
      const { hash, status } = statuses.at(-1) ?? {};
      return running === good && healthy && hash === good && status === 'APPLIED';
    };
    const isThere = ({ connected }: (typeof members)[number]) => connected;

    const events = () =>
      allItems((cursor) => client.listRolloutEvents({ id, ...(cursor !== undefined && { cursor }) }));
    const stop = await until(
      async () => (await events()).find(({ kind }) => kind === 'rollback-started' || kind === 'paused'),
      (event) => event !== undefined,
      PATIENCE,
    );
    const stoppedAt = Date.parse(stop?.at ?? '');
    await until(
      () => exposed().filter(isThere),
      (there) => there.every(isBack),
      PATIENCE,
    );
    const backAt = Date.now();
    const ended = await until(
      () => client.getRollout({ id }),
      ({ state }) => ENDED.has(state),
      PATIENCE,
    );
    const failedFirst = (await events()).find(
      ({ kind, data }) =>
        kind === 'observed' && (data['changes'] as { state: string }[]).some(({ state }) => state === 'failed'),
    );
    const said = exposed().flatMap(({ statuses }) =>
      statuses.filter(({ status, hash }) => status === 'FAILED' && hash === bad),
    );
    const failedAt = Math.min(Date.parse(failedFirst?.at ?? ''), ...said.map(({ at }) => at));
    const offers = exposed().flatMap(({ offers }) => offers.filter(({ hash }) => hash === bad).map(({ at }) => at));
    const back = exposed().filter(isBack).length;
    // Nothing more may come of it.
    await sleep(1_000);
    const figures = {
      case: name,
      agents,
      exposed: exposed().length,
      state: ended.state,
      reason: String(stop?.data['message']),
      toFailure: Math.round(failedAt - Math.min(...offers)),
      toStop: Math.round(stoppedAt - failedAt),
      offersAfterStop: offers.filter((at) => at > stoppedAt).length,
      toBack: backAt - stoppedAt,
      back,
      counts: Object.fromEntries(Object.entries(ended.counts).filter(([, count]) => count > 0)),
    };
    const dead = exposed().filter((member) => !isThere(member));
    if (dead.length > 0) this.#fleet.release();
    await until(
      () => dead,
      (revived) => revived.every(isBack),
      PATIENCE,
    );
    return { ...figures, revived: dead.length, astray: members.filter((member) => !isBack(member)).length };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fleet[Symbol.asyncDispose]();
    await this.#program[Symbol.asyncDispose]();
  }
}

/** What T-A2 asks of each case. The dead cannot be brought back; they are once they live again. */
export function faults({ exposed, state, toStop, offersAfterStop, toBack, back, counts, revived, astray }: Figures) {
  const { 'revert-unconfirmed': unconfirmed = 0, reverted = 0, failed = 0 } = counts;
  return {
    nobodyExposed: exposed === 0,
    tooManyExposed: exposed > 3,
    stoppedLate: toStop > 5_000,
    offeredAfterwards: offersAfterStop > 0,
    backLate: toBack > PATIENCE,
    notBack: back !== exposed - revived,
    notProvenToBeBack: reverted !== back || unconfirmed !== revived || failed > 0,
    wrongEnd: state !== (revived > 0 ? 'rolled-back-partial' : 'rolled-back'),
    astray,
  };
}

export const NO_FAULT = {
  nobodyExposed: false,
  tooManyExposed: false,
  stoppedLate: false,
  offeredAfterwards: false,
  backLate: false,
  notBack: false,
  notProvenToBeBack: false,
  wrongEnd: false,
  astray: 0,
};

/** Figures of one case in a line. */
const told = (figures: Figures): string =>
  Object.entries(figures)
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join('  ');

/** Every way in which a revision can be bad for an agent, each for so many agents. */
export const badForAll = (agents: number): Case[] => [
  { name: 'rejects', agents, behaviour: { kind: 'reject' } },
  { name: 'cannot-start', agents, behaviour: { kind: 'crash' } },
  // Judged by the time the Supervisor's patience is over: APPLIED comes first, then it crashes again and again.
  { name: 'crash-loops', agents, behaviour: { kind: 'crash', after: '1500ms' } },
  // 20 s of the 60 s that `careful` asks for, scaled alike.
  { name: 'unhealthy-early', agents, behaviour: { kind: 'unhealthy', after: '700ms' } },
  { name: 'dies', agents, behaviour: { kind: 'die' } },
  // Proven first, and ill while the canary is watched, for longer than the grace of a late regression.
  {
    name: 'unhealthy-late',
    agents,
    behaviour: { kind: 'unhealthy', after: '5s' },
    overrides: { canary: { min: 3, max: 3 }, soak: { canary: '30s' } },
  },
  { name: 'rolls-back', agents, behaviour: { kind: 'rollback' } },
  { name: 'falls-back', agents, behaviour: { kind: 'fallback' } },
];

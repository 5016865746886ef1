/** What people do, and when: rollouts, supersedes, pins, retries, labels, at good moments and at odd ones. */
import { ApiError } from '@flaghoist/api';
import { FleetError, TERMINAL } from '@flaghoist/fleet';
import type { Plane } from './plane.ts';
import { SECOND, type World } from './world.ts';

type Requests = NonNullable<ReturnType<Plane['requests']>>;
type Act = (requests: Requests) => Promise<unknown> | undefined;

const AUTHOR = 'ops';

export class Operators {
  readonly #world: World;
  /** Things begun or planned that must have happened before the world may end. */
  #pending = 0;
  #count = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get isDone(): boolean {
    return this.#pending === 0;
  }

  begin(): void {
    const { dice, timeline, faultsUntil } = this.#world;
    const time = faultsUntil - timeline.now;
    let revision = 1;
    const rollouts = dice.int(1, 4);
    for (let n = 0; n < rollouts; n += 1) {
      // Now and then back to one that was there before.
      revision = dice.chance(0.2) ? dice.int(1, revision) : revision + 1;
      const to = Math.min(revision, 6);
      this.#insist(n === 0 ? dice.int(1, 10) * SECOND : dice.next() * time, this.#start(to));
    }
    const odd: readonly Act[] = [
      ...[this.#pin, this.#unpin, this.#retry, this.#label, this.#delete, this.#rollOn],
      ...[this.#pause, this.#resume, this.#resume, this.#promote, this.#rollback, this.#stop, this.#retrySome],
    ];
    const count = dice.pick([0, 3, 8, 20]);
    for (let n = 0; n < count; n += 1) this.#try(dice.next() * time, dice.pick(odd) ?? this.#retry);
  }

  /** Asks until it is answered: the same request, so that it happens once (interface.md, idempotency). */
  #insist(delay: number, act: Act): void {
    this.#pending += 1;
    const { timeline } = this.#world;
    const ask = (): void => {
      let isOver = false;
      const again = timeline.after(30 * SECOND, () => {
        if (!isOver) ask();
      });
      const answered = this.#ask(act);
      void answered?.then((answer) => {
        if (answer === 'try again' || isOver) return;
        isOver = true;
        again();
        this.#pending -= 1;
      });
    };
    timeline.after(delay, ask);
  }

  /** Asks once. */
  #try(delay: number, act: Act): void {
    this.#world.timeline.after(delay, () => void this.#ask(act));
  }

  #ask(act: Act): Promise<'answered' | 'try again'> | undefined {
    const requests =
      this.#world.servers.serving?.isAsleep === false ? this.#world.servers.serving.requests() : undefined;
    if (requests === undefined) return undefined;
    const asked = Promise.try(() => act(requests));
    return asked.then(
      () => 'answered',
      (error: unknown) => {
        if (error instanceof FleetError || error instanceof ApiError) {
          this.#world.note(`operators are refused: ${error.code}`);
          return 'answered';
        }
        if ((error as Error).name !== 'StoreError')
          this.#world.laws.broken('no bug of ours', (error as Error).stack ?? `${error}`);
        return 'try again';
      },
    );
  }

  /** One who starts a rollout to that revision, over whatever runs there. */
  #start(revision: number): Act {
    const { dice } = this.#world;
    const idempotencyKey = `start-${this.#count}`;
    this.#count += 1;
    const gates = dice.chance(0.2) ? [{ after: '100%', type: 'manual' } as const] : [];
    const overrides = {
      maxInFlight: { count: dice.int(1, 3) },
      maxFailed: { count: dice.int(0, 3) },
      maxLost: { count: dice.int(0, 2) },
      maxDeferred: { count: dice.int(0, 6) },
      successThreshold: dice.pick([0, 50, 95]),
      minHealthyTime: dice.pick([0, 5, 20]) * SECOND,
      applyTimeout: dice.pick([30, 60, 120]) * SECOND,
      requireEffective: dice.pick(['ifReported', 'ifReported', 'never'] as const),
      progressDeadline: dice.int(180, 400) * SECOND,
      revertTimeout: dice.int(60, 400) * SECOND,
      soak: { canary: dice.int(0, 20) * SECOND, stage: dice.int(0, 10) * SECOND },
      bake: dice.pick([0, 10, 60]) * SECOND,
      onFailure: dice.chance(0.8) ? ('rollback' as const) : ('pause' as const),
      gates,
    };
    const strategy = dice.pick(['careful', 'quick', 'all-at-once']);
    const group = dice.chance(0.3) ? undefined : dice.pick([...this.#world.database.groups.keys()]);
    const supersede = dice.chance(0.8);
    return (requests) => {
      this.#world.note(`operators start a rollout of ${group ?? 'all groups'} to ${revision}`);
      return requests.startRollout({
        idempotencyKey,
        body: { group, configuration: 'edge', revision, strategy, overrides, supersede, author: AUTHOR, message: '' },
      });
    };
  }

  /** Once the last rollout has ended or paused, the next one. */
  #rollOn: Act = (requests) => {
    const active = [...this.#world.database.rollouts.values()].some(({ state }) => !TERMINAL.has(state));
    return active ? undefined : this.#start(this.#world.dice.int(1, 6))(requests);
  };

  /** What one of them says of a rollout, whatever its state. */
  #word(word: string, say: (requests: Requests, id: string) => Promise<unknown>): Act {
    return (requests) => {
      const { dice, database } = this.#world;
      const id = dice.pick([...database.rollouts.keys()].slice(-2));
      if (id === undefined) return undefined;
      this.#world.note(`operators ${word} ${id}`);
      return say(requests, id);
    };
  }

  #pause = this.#word('pause', (requests, id) =>
    requests.pauseRollout({ id, body: { author: AUTHOR, message: 'odd' } }),
  );
  #resume = this.#word('resume', (requests, id) => requests.resumeRollout({ id, body: { author: AUTHOR } }));
  #promote = this.#word('promote', (requests, id) => requests.promoteRollout({ id, body: { author: AUTHOR } }));
  #rollback = this.#word('roll back', (requests, id) => {
    const atOnce = this.#world.dice.chance(0.3);
    return requests.rollbackRollout({ id, body: { author: AUTHOR, message: 'odd', atOnce } });
  });
  #stop = this.#word('stop', (requests, id) => {
    const leaveMixed = this.#world.dice.chance(0.5);
    return requests.stopRollout({ id, body: { author: AUTHOR, message: 'odd', leaveMixed } });
  });
  #retrySome = this.#word('retry those of', (requests, id) => {
    const failed =
      this.#world.laws.folds
        .get(id)
        ?.targets.values()
        .filter(({ state }) => state === 'failed') ?? [];
    const agents = failed.slice(0, 2).map(({ agent }) => agent);
    return requests.retryRollout({ id, body: { author: AUTHOR, agents } });
  });

  #someone(): string {
    return this.#world.dice.pick([...this.#world.database.identities.keys()]) ?? 'nobody';
  }

  #pin: Act = (requests) => {
    const { dice, timeline } = this.#world;
    const revision = dice.int(1, 6);
    const expires = dice.chance(0.5) ? timeline.now + dice.int(10, 200) * SECOND : undefined;
    const id = this.#someone();
    this.#world.note(`operators pin ${id} to ${revision}`);
    return requests.pinAgent({ id, body: { configuration: 'edge', revision, reason: 'odd', author: AUTHOR, expires } });
  };

  #unpin: Act = (requests) => {
    const id = this.#someone();
    this.#world.note(`operators unpin ${id}`);
    return requests.unpinAgent({ id, author: AUTHOR });
  };

  #retry: Act = (requests) => {
    const id = this.#someone();
    this.#world.note(`operators retry ${id}`);
    return requests.retryAgent({ id, author: AUTHOR });
  };

  /** Labels of operators win over those of the agent: it changes its group. */
  #label: Act = (requests) => {
    const role = this.#world.dice.pick(['edge', 'core', 'none', null]);
    const id = this.#someone();
    this.#world.note(`operators label ${id} ${role}`);
    return requests.labelAgent({ id, body: { labels: { role }, author: AUTHOR } });
  };

  #delete: Act = (requests) => {
    if (!this.#world.dice.chance(0.3)) return undefined;
    const id = this.#someone();
    this.#world.note(`operators delete ${id}`);
    return requests.deleteAgent({ id, author: AUTHOR });
  };
}

import { Gateway } from './gateway/gateway.ts';
import { SERVER_LIMITS } from './limits.ts';
import { ALIVE_AT, type Memory, openMemory, TRAVELLED_AT } from './memory.ts';
import { Reconciler } from './reconciler/reconciler.ts';
import { type Store, TIME_TRAVEL } from './storage/store.ts';
import { type Outside, Webhooks } from './webhooks/webhooks.ts';

/** All parts of the running server, as the operator plane sees them. */
export interface ControlPlane extends Memory {
  readonly webhooks: Webhooks;
  readonly gateway: Gateway;
  readonly reconciler: Reconciler;
  readonly version: string;
}

interface Surroundings {
  readonly reader: Memory['reader'];
  /** This machine where none is given. */
  readonly machine?: Memory['machine'];
  readonly outside: Outside;
  readonly version: string;
  /** Called when a commit failed. */
  readonly onFatal: (error: unknown) => void;
}

/** The parts over what the store holds, which has the lease; nothing happens yet. @throws StoreError. */
export async function composeControlPlane(store: Store, given: Surroundings): Promise<ControlPlane> {
  const { reader, machine, outside, version, onFatal } = given;
  const memory = await openMemory(store, reader, machine);
  const gateway = new Gateway(memory);
  const reconciler = new Reconciler(memory, gateway, onFatal);
  const webhooks = new Webhooks({ ...memory, ...outside });
  return { ...memory, webhooks, gateway, reconciler, version };
}

/** Goes on where the store says that it was left: when that is durable, doors may be opened. The result stops the timers. */
export async function beginControlPlane(plane: ControlPlane, onFatal: Surroundings['onFatal']): Promise<() => void> {
  const { alerts, gateway, journal, machine, marks, now, reconciler, rollouts, startedAt, travelled, version } = plane;
  const aliveAt = marks.get(ALIVE_AT);
  const awayFor = aliveAt === undefined ? null : startedAt - aliveAt;
  journal.record('server.started', 'server', { version, awayFor });
  if (travelled !== null) {
    // In the commit with all that follows from it, which the start decides.
    journal.record('server.time-travel', 'server', { ...travelled, databaseFrom: aliveAt ?? null });
    rollouts.pauseForTimeTravel(startedAt);
    journal.write(
      { kind: 'mark', name: TIME_TRAVEL, value: 0 },
      { kind: 'mark', name: TRAVELLED_AT, value: startedAt },
    );
  }
  reconciler.start();
  await reconciler.flush();

  const beat = (): void => journal.write({ kind: 'mark', name: ALIVE_AT, value: now() });
  beat();
  const timers = [
    machine.every(() => reconciler.tick(), SERVER_LIMITS.tick),
    machine.every(() => {
      reconciler.announcer.tell();
      alerts.tell(now());
    }, SERVER_LIMITS.announceEvery),
    machine.every(beat, SERVER_LIMITS.aliveEvery),
    machine.every(() => gateway.sweep(), SERVER_LIMITS.aliveEvery),
    machine.every(() => void journal.trim(now()).catch(onFatal), SERVER_LIMITS.trimEvery),
  ];
  return () => {
    for (const stop of timers) stop();
  };
}

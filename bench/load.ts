// A fleet in a process of its own: `instant` agents, told to by one argument, that counts what they saw.
import { scenario, startFleet } from '@flaghoist/simulator';

export interface Load {
  readonly url: string;
  readonly agents: number;
  readonly seed: number;
  /** Bytes of each effective config. */
  readonly effectiveSize: number;
  readonly heartbeat: string;
  readonly startsPerSecond: number;
  /** What they run before the first offer. */
  readonly config: string;
}

/** What the agents saw up to now. */
export interface Seen {
  readonly connected: number;
  readonly connections: number;
  readonly offers: number;
  readonly fullStates: number;
  /** CPU of this process, ms. */
  readonly cpu: number;
}

const load: Load = JSON.parse(process.argv[2] ?? '{}');
const fleet = await startFleet({
  url: load.url,
  startsPerSecond: load.startsPerSecond,
  scenario: scenario({
    seed: load.seed,
    heartbeat: load.heartbeat,
    groups: [
      {
        name: `bench-${load.seed}`,
        count: load.agents,
        labels: { role: 'bench' },
        effectiveConfigSize: `${load.effectiveSize / 1_024}KiB`,
        config: load.config,
        behaviours: [{ kind: 'instant', count: '100%' }],
      },
    ],
  }),
});

process.on('message', (message) => {
  if (message === 'stop') void fleet.stop().then(() => process.exit());
  if (message !== 'count') return;
  const records = fleet.records();
  const sum = (of: (record: (typeof records)[number]) => number): number =>
    records.reduce((total, record) => total + of(record), 0);
  const { user, system } = process.cpuUsage();
  process.send?.({
    connected: sum(({ connected }) => Number(connected)),
    connections: sum(({ connections }) => connections),
    offers: sum(({ timesOffered }) => Object.values(timesOffered).reduce((all, times) => all + times, 0)),
    fullStates: sum(({ fullStateRequests }) => fullStateRequests),
    cpu: (user + system) / 1_000,
  } satisfies Seen);
});

// A fleet in a process of its own: `instant` agents that one argument describes, and a count of what they saw.
import { Fleet, scenario } from '@flaghoist/simulator';

export interface Load {
  readonly url: string;
  readonly agents: number;
  readonly seed: number;
  /** Bytes of each effective config. */
  readonly effectiveSize: number;
  readonly heartbeat: string;
  /** What they run before the first offer. */
  readonly config: string;
}

/** What the agents saw up to now. */
export interface Seen {
  /** Opened, over all agents. */
  readonly connections: number;
  readonly offers: number;
}

// Messages are built in pooled memory: with the default of 8 KiB every third one has the system asked for more.
Buffer.poolSize = 1024 * 1024;

const load: Load = JSON.parse(process.argv[2] ?? '{}');
const group = {
  name: `bench-${load.seed}`,
  count: load.agents,
  labels: { role: 'bench' },
  effectiveConfigSize: load.effectiveSize,
  config: load.config,
  behaviours: [{ kind: 'instant', count: '100%' }],
};
const described = scenario({ seed: load.seed, heartbeat: load.heartbeat, groups: [group] });
let fleet: Fleet | undefined;

process.on('message', (message) => {
  if (message === 'start') fleet = new Fleet({ url: load.url, startsPerSecond: 100_000, scenario: described });
  if (message !== 'count') return;
  const seen = { connections: 0, offers: 0 };
  for (const { connections, timesOffered } of fleet?.records() ?? []) {
    seen.connections += connections;
    for (const times of Object.values(timesOffered)) seen.offers += times;
  }
  process.send?.(seen satisfies Seen);
});
// So that a profile of it is written.
process.on('SIGTERM', () => process.exit());
// The probe lets go of the channel, which is all that there is until the fleet starts.
process.channel?.ref();
console.log('ready');

import type { Millis } from './time.ts';

/** So many times within so long is too often. */
export interface Frequency {
  readonly times: number;
  readonly within: Millis;
}

/** Every limit of the domain, named, with its default and reason. */
export const LIMITS = {
  /** Largest saved configuration, bytes over all its files (reliability.md). */
  configurationBytes: 1024 * 1024,
  /** Files in one configuration. */
  configurationFiles: 64,
  /** Largest effective config kept as text, bytes; beyond it only digest and size are kept. */
  effectiveBytes: 1024 * 1024,
  /** YAML that agents send (R16): nodes, depth and aliases after which a text counts as unparsed. */
  yamlNodes: 50_000,
  yamlDepth: 64,
  yamlAliases: 100,
  /** Lexical pieces of such a text: eight to a node, so that comments and blank lines have a bound too. */
  yamlLexemes: 400_000,
  /** Selector text, characters, and its requirements. */
  selectorLength: 1_024,
  selectorRequirements: 32,
  /** Names of configurations and groups, characters. */
  nameLength: 63,
  /** Message or reason text, characters. */
  messageLength: 2_000,
  /** Longest hash kept of what an agent names, hex digits; ours have 64. */
  hashLength: 128,
  /** Refused hashes remembered per agent; the oldest go first. */
  refusalsPerAgent: 64,
  /** Revisions remembered per agent that it was proven on; the oldest go first. */
  provenPerAgent: 5,
  /** Components remembered per assignment that were not healthy when it was made. */
  baselineComponents: 16,
  /** An agent whose connection ends that often is treated as offline when agents are chosen (A.7). */
  flapping: { times: 3, within: 600_000 },
  /** An agent that leaves its group that often by its own attributes is quarantined (I7). */
  wandering: { times: 3, within: 600_000 },
  /** Problems listed in one refusal. */
  problemsShown: 20,
  /** Sends of one assignment to one agent before it counts as never acknowledged. */
  sendsPerAssignment: 5,
  /** An HTTP agent has at least so long until it counts as not reached: time for three of its polls (A.8). */
  httpPatience: 90_000,
  /** Earlier stable revisions remembered of a group, and hashes condemned in it; the oldest go first. */
  previousPerGroup: 3,
  condemnedPerGroup: 256,
  /** Stages of a strategy. */
  stages: 20,
  /** Deadlines moved because our side was down (I10). */
  outageExtensions: 3,
  /** Of one alert: causes told apart, characters of each message, examples of each, agents remembered, characters of its summary. */
  alertCauses: 10,
  alertMessage: 512,
  alertExamples: 5,
  alertHeld: 1_000,
  alertSummary: 300,
  /** An alert is told anew at most so often when it doubles, and when it changes at all. */
  alertPace: 1_000,
  alertSlowPace: 60_000,
  /** It is over when its cause has been gone for so long: what comes and goes is one alert. */
  alertQuiet: 5_000,
  /** Away so long without a goodbye an agent is lost; and so long afterwards that is no news any more. */
  lostAfter: 60_000,
  lostFor: 86_400_000,
  /** So long the last conflict of two agents over one uid, and a rollout that was taken back, are news. */
  conflictFor: 600_000,
  rolledBackFor: 86_400_000,
} as const;

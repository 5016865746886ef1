/** Names of what is on the server, for completion: quick, and silent when there is no server. */
import { type Client, createClient } from '@flaghoist/api';
import type { Session } from '../session.ts';

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** A shell that hangs at the tab key is worse than one that does not know a name. */
const ANSWER_MS = 700;
const MOST = 50;

type Names = (
  client: Client,
  partial: string,
) => Promise<readonly (readonly [value: string, description: string])[]>;

/** What to ask for each kind of name, by the noun in the brackets of an option or argument. */
const NAMES: Readonly<Record<string, Names>> = {
  group: async (client) =>
    (await client.listGroups({ limit: MOST })).items.map(({ name, agents }) => [name, `${agents} agents`]),
  configuration: async (client) =>
    (await client.listConfigurations({ limit: MOST })).items.map(({ name, description }) => [
      name,
      description,
    ]),
  strategy: async (client) => (await client.listStrategies()).items.map(({ name }) => [name, '']),
  agent: async (client, q) =>
    (await client.listAgents({ q, limit: MOST })).items.map(({ name, state }) => [name, state]),
  rollout: async (client) =>
    (await client.listRollouts({ limit: MOST })).items.map(({ id, group, state }) => [
      id,
      `${group}, ${state}`,
    ]),
  revision: revisions,
  'other-revision': revisions,
};

async function revisions(client: Client, partial: string) {
  const [name = ''] = partial.split('@');
  if (!partial.includes('@')) {
    const { items } = await client.listConfigurations({ limit: MOST });
    return items.map((one) => [`${one.name}@latest`, one.description] as const);
  }
  const { items } = await client.listRevisions({ name, limit: MOST });
  return [[`${name}@latest`, ''], ...items.map(({ number, message }) => [`${name}@${number}`, message])] as [
    string,
    string,
  ][];
}

export async function namesOf(session: Session, noun: string, partial: string): Promise<Candidate[]> {
  try {
    const client = createClient({ ...(await session.address()), timeout: ANSWER_MS });
    const found = (await NAMES[noun]?.(client, partial)) ?? [];
    return found.map(([value, description]) => ({ value, description }));
  } catch {
    return [];
  }
}

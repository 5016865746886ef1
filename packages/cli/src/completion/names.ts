/** Names of what is on the server, for completion: quick, and silent when there is no server. */
import { createClient } from '@flaghoist/api';
import type { Session } from '../session.ts';

export interface Candidate {
  readonly value: string;
  readonly description: string;
}

/** A shell that hangs at the tab key is worse than one that does not know a name. */
const ANSWER_MS = 700;
const MOST = 50;

export async function namesOf(session: Session, noun: string, partial: string): Promise<Candidate[]> {
  try {
    const client = createClient({ ...(await session.address()), timeout: ANSWER_MS });
    switch (noun) {
      case 'group':
        return (await client.listGroups({ limit: MOST })).items.map(({ name, agents }) => ({
          value: name,
          description: `${agents} agents`,
        }));
      case 'configuration':
        return (await client.listConfigurations({ limit: MOST })).items.map(({ name, description }) => ({
          value: name,
          description,
        }));
      case 'strategy':
        return (await client.listStrategies()).items.map(({ name }) => ({ value: name, description: '' }));
      case 'agent':
        return (await client.listAgents({ q: partial, limit: MOST })).items.map(({ name, state }) => ({
          value: name,
          description: state,
        }));
      case 'rollout':
        return (await client.listRollouts({ limit: MOST })).items.map(({ id, group, state }) => ({
          value: id,
          description: `${group}, ${state}`,
        }));
      case 'revision':
      case 'other-revision':
        return await revisions(client, partial);
      default:
        return [];
    }
  } catch {
    return [];
  }
}

async function revisions(client: ReturnType<typeof createClient>, partial: string): Promise<Candidate[]> {
  const [name = ''] = partial.split('@');
  if (!partial.includes('@')) {
    const { items } = await client.listConfigurations({ limit: MOST });
    return items.map((one) => ({ value: `${one.name}@latest`, description: one.description }));
  }
  const { items } = await client.listRevisions({ name, limit: MOST });
  return [
    { value: `${name}@latest`, description: '' },
    ...items.map(({ number, message }) => ({ value: `${name}@${number}`, description: message })),
  ];
}

/** How commands name things: `agent/ID` as `-o name` prints it, revisions as `C@7`, `C@latest`, `C@stable:GROUP`. */
import { ApiError, type Client, type RequestOf } from '@flaghoist/api';
import { CliError, ExitCode } from './exit-code.ts';

/** Takes off the kind that `-o name` puts in front. */
export const bare = (kind: string) => (name: string) =>
  name.startsWith(`${kind}/`) ? name.slice(kind.length + 1) : name;

export type Reference = Pick<RequestOf<'startRollout'>['body'], 'configuration' | 'revision'>;

const REFERENCE = /^([^@]+)@(?:(latest)|([1-9]\d{0,14})|stable:([^@]+))$/;

/** The revision as the API takes it: what is stable is looked up. @throws CliError that shows what to write */
export async function revisionNamed(client: Client, text: string): Promise<Reference> {
  const [match, configuration = '', latest, number, group] = REFERENCE.exec(bare('configuration')(text)) ?? [];
  if (match === undefined)
    throw new CliError(`${JSON.stringify(text)} names no revision: write C@7, C@latest or C@stable:GROUP`);
  if (group === undefined) return { configuration, revision: latest === undefined ? Number(number) : 'latest' };
  const { stable } = await client.getGroup({ name: group });
  if (stable?.configuration === configuration) return { configuration, revision: stable.revision };
  throw new CliError(`group ${group} has no stable revision of ${configuration}`, ExitCode.notFound);
}

/** The answer, or nothing where there is no such thing. */
export async function ifThere<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'not-found') return undefined;
    throw error;
  }
}

/** The id of an agent by its id, instance uid or name. @throws CliError when there is none, or more than one */
export async function agentId(client: Client, wanted: string): Promise<string> {
  const agent = await ifThere(client.getAgent({ id: wanted }));
  if (agent !== undefined) return agent.id;
  const { items } = await client.listAgents({ q: wanted, limit: 100 });
  const named = items.filter(({ name }) => name === wanted);
  const [only, ...others] = named.map(({ id }) => id);
  if (only === undefined) {
    const similar = items.slice(0, 3).map(({ name }) => name);
    const hint = similar.length === 0 ? 'flaghoist agent list shows all' : `did you mean ${similar.join(' or ')}?`;
    const none = `no agent has the id, instance uid or name ${JSON.stringify(wanted)}; ${hint}`;
    throw new CliError(none, ExitCode.notFound);
  }
  if (others.length === 0) return only;
  const ids = [only, ...others].join(', ');
  throw new CliError(`${named.length} agents are called ${wanted}; give an id: ${ids}`, ExitCode.conflict);
}

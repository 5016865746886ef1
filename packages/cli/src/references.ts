/** How commands name things: `agent/ID` as `-o name` prints it, revisions as `C@7`, `C@latest`, `C@stable:GROUP`. */
import { type Agent, ApiError, type Client, type RevisionWithFiles } from '@flaghoist/api';
import { CliError, ExitCode } from './exit-code.ts';

/** Takes off the kind that `-o name` puts in front. */
export function bare(kind: string, name: string): string {
  return name.startsWith(`${kind}/`) ? name.slice(kind.length + 1) : name;
}

export interface RevisionReference {
  readonly configuration: string;
  readonly revision: number | 'latest' | { readonly stableOf: string };
}

/** @throws CliError that shows what a reference looks like */
export function parseReference(text: string, ifMissing?: 'latest'): RevisionReference {
  const [configuration = '', which = ifMissing, ...rest] = bare('configuration', text).split('@');
  const wrong = new CliError(
    `${JSON.stringify(text)} names no revision: write C@7, C@latest or C@stable:GROUP`,
  );
  if (configuration === '' || which === undefined || rest.length > 0) throw wrong;
  if (which === 'latest') return { configuration, revision: 'latest' };
  if (which.startsWith('stable:'))
    return { configuration, revision: { stableOf: which.slice('stable:'.length) } };
  const revision = Number(which);
  if (!Number.isSafeInteger(revision) || revision < 1) throw wrong;
  return { configuration, revision };
}

/** The revision as the API takes it: what is stable is looked up. */
export async function resolveReference(
  client: Client,
  { configuration, revision }: RevisionReference,
): Promise<{ readonly configuration: string; readonly revision: number | 'latest' }> {
  if (typeof revision !== 'object') return { configuration, revision };
  const group = await client.getGroup({ name: revision.stableOf });
  if (group.stable === null || group.stable.configuration !== configuration) {
    throw new CliError(`group ${group.name} has no stable revision of ${configuration}`, ExitCode.notFound);
  }
  return { configuration, revision: group.stable.revision };
}

export async function revisionAt(client: Client, reference: RevisionReference): Promise<RevisionWithFiles> {
  const { configuration, revision } = await resolveReference(client, reference);
  return client.getRevision({ name: configuration, revision });
}

/** The id of an agent by its id, instance uid or name. @throws CliError when there is none, or more than one */
export async function agentId(client: Client, reference: string): Promise<string> {
  const wanted = bare('agent', reference);
  try {
    return (await client.getAgent({ id: wanted })).id;
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'not-found') throw error;
  }
  const { items } = await client.listAgents({ q: wanted, limit: 100 });
  const named = items.filter(({ name }) => name === wanted);
  const [only] = named;
  if (only === undefined) throw new CliError(noAgent(wanted, items), ExitCode.notFound);
  if (named.length > 1) {
    const ids = named.map(({ id }) => id).join(', ');
    throw new CliError(`${named.length} agents are called ${wanted}; give an id: ${ids}`, ExitCode.conflict);
  }
  return only.id;
}

function noAgent(wanted: string, similar: readonly Agent[]): string {
  const names = similar.slice(0, 3).map(({ name }) => name);
  const hint = names.length === 0 ? 'flaghoist agent list shows all' : `did you mean ${names.join(' or ')}?`;
  return `no agent has the id, instance uid or name ${JSON.stringify(wanted)}; ${hint}`;
}

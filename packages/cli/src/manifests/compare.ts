/** What an object is on the server, beside what a manifest wants of it. */
import {
  ApiError,
  type Client,
  type Configuration,
  type Group,
  type RevisionWithFiles,
} from '@flaghoist/api';
import type { ConfigurationManifest, GroupManifest } from './manifest.ts';

async function ifThere<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'not-found') return undefined;
    throw error;
  }
}

export interface PresentConfiguration {
  readonly configuration: Configuration | undefined;
  readonly revision: RevisionWithFiles | undefined;
}

export async function presentConfiguration(client: Client, name: string): Promise<PresentConfiguration> {
  const configuration = await ifThere(client.getConfiguration({ name }));
  const revision =
    configuration === undefined || configuration.latest === 0
      ? undefined
      : await client.getRevision({ name, revision: configuration.latest });
  return { configuration, revision };
}

export function presentGroup(client: Client, name: string): Promise<Group | undefined> {
  return ifThere(client.getGroup({ name }));
}

export function sameFiles(present: RevisionWithFiles | undefined, { files }: ConfigurationManifest): boolean {
  if (present === undefined) return Object.keys(files).length === 0;
  const names = Object.keys(files);
  return (
    names.length === Object.keys(present.files).length &&
    names.every(
      (name) =>
        present.files[name]?.body === files[name]?.body &&
        present.files[name]?.contentType === files[name]?.contentType,
    )
  );
}

/** Fields that a manifest leaves out stay as they are. */
export function wantedGroup(present: Group | undefined, wanted: GroupManifest) {
  return {
    name: wanted.name,
    selector: wanted.selector,
    priority: wanted.priority ?? present?.priority,
    configuration: wanted.configuration,
    strategy: wanted.strategy ?? present?.strategy,
  };
}

export function sameGroup(present: Group, wanted: ReturnType<typeof wantedGroup>): boolean {
  return (['selector', 'priority', 'configuration', 'strategy'] as const).every(
    (key) => present[key] === wanted[key],
  );
}

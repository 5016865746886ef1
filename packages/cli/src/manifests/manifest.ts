/** Configurations and groups as files that `apply` takes. */
import type { Configuration, Group, RevisionWithFiles } from '@flaghoist/api';

const API_VERSION = 'flaghoist/v1';

export function configurationManifest(
  { name, description }: Pick<Configuration, 'name' | 'description'>,
  files: RevisionWithFiles['files'],
) {
  // In one order, so that texts which are the same look the same.
  const sorted = Object.entries(files)
    .map(([file, { body, contentType }]) => [file, { body, contentType }] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const spec = { files: Object.fromEntries(sorted) };
  return { apiVersion: API_VERSION, kind: 'Configuration', metadata: { name, description }, spec };
}

interface GroupFields extends Pick<Group, 'name' | 'selector' | 'configuration'> {
  readonly priority?: number | undefined;
  readonly strategy?: string | undefined;
}

export function groupManifest({ name, selector, priority, configuration, strategy }: GroupFields) {
  const spec = { selector, priority, configuration, strategy };
  return { apiVersion: API_VERSION, kind: 'Group', metadata: { name }, spec };
}

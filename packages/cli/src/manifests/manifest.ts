/** Configurations and groups as files that `apply` takes. */
import type { Configuration, Group, RevisionWithFiles } from '@flaghoist/api';

const apiVersion = 'flaghoist/v1';

export function configurationManifest(
  { name, description }: Pick<Configuration, 'name' | 'description'>,
  files: RevisionWithFiles['files'],
) {
  return { apiVersion, kind: 'Configuration', metadata: { name, description }, spec: { files } };
}

interface GroupFields extends Pick<Group, 'name' | 'selector' | 'configuration'> {
  readonly priority?: number | undefined;
  readonly strategy?: string | undefined;
}

export function groupManifest({ name, selector, priority, configuration, strategy }: GroupFields) {
  return { apiVersion, kind: 'Group', metadata: { name }, spec: { selector, priority, configuration, strategy } };
}

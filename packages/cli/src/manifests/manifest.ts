/** Configurations and groups as files that `apply` takes. */
import type { Configuration, Group, RevisionWithFiles } from '@flaghoist/api';

const apiVersion = 'flaghoist/v1';

export function configurationManifest({ name, description }: Configuration, files: RevisionWithFiles['files']) {
  return { apiVersion, kind: 'Configuration', metadata: { name, description }, spec: { files } };
}

export function groupManifest({ name, selector, priority, configuration, strategy }: Group) {
  return { apiVersion, kind: 'Group', metadata: { name }, spec: { selector, priority, configuration, strategy } };
}

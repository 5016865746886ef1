/** Configurations, groups, strategies and webhooks as files that `apply` takes. */
import type { Configuration, Group, RevisionWithFiles, Strategy, Webhook } from '@flaghoist/api';

const apiVersion = 'flaghoist/v1';

export function configurationManifest({ name, description }: Configuration, files: RevisionWithFiles['files']) {
  return { apiVersion, kind: 'Configuration', metadata: { name, description }, spec: { files } };
}

export function groupManifest({ name, selector, priority, configuration, strategy }: Group) {
  return { apiVersion, kind: 'Group', metadata: { name }, spec: { selector, priority, configuration, strategy } };
}

export function webhookManifest({ name, url, secret, events, selector, format }: Webhook) {
  const signed = secret === null ? {} : { secret };
  return { apiVersion, kind: 'Webhook', metadata: { name }, spec: { url, ...signed, events, selector, format } };
}

/** Of one that is built in, a copy that can be given a name and changed. */
export function strategyManifest({ name, spec, settings: { name: base, ...fields } }: Strategy) {
  return { apiVersion, kind: 'Strategy', metadata: { name }, spec: spec ?? { base, ...fields } };
}

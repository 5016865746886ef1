/**
 * Where each operation is: its method and its path below `/api/v1`. By itself, so that the client (and with it the
 * command line and the browser) needs no schema library.
 */
export const BASE_PATH = '/api/v1';

export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
}

export const ROUTES = {
  listAgents: { method: 'GET', path: '/agents' },
  getAgent: { method: 'GET', path: '/agents/{id}' },
  labelAgent: { method: 'PATCH', path: '/agents/{id}' },
  deleteAgent: { method: 'DELETE', path: '/agents/{id}' },
  getAgentConfig: { method: 'GET', path: '/agents/{id}/config' },
  getAgentTimeline: { method: 'GET', path: '/agents/{id}/timeline' },
  labelAgents: { method: 'POST', path: '/agents:label' },
  pinAgents: { method: 'POST', path: '/agents:pin' },
  unpinAgents: { method: 'POST', path: '/agents:unpin' },
  restartAgents: { method: 'POST', path: '/agents:restart' },
  retryAgents: { method: 'POST', path: '/agents:retry' },
  pinAgent: { method: 'PUT', path: '/agents/{id}/pin' },
  unpinAgent: { method: 'DELETE', path: '/agents/{id}/pin' },
  restartAgent: { method: 'POST', path: '/agents/{id}:restart' },
  approveAgent: { method: 'POST', path: '/agents/{id}:approve' },
  retryAgent: { method: 'POST', path: '/agents/{id}:retry' },

  listConfigurations: { method: 'GET', path: '/configurations' },
  getConfiguration: { method: 'GET', path: '/configurations/{name}' },
  putConfiguration: { method: 'PUT', path: '/configurations/{name}' },
  deleteConfiguration: { method: 'DELETE', path: '/configurations/{name}' },
  listRevisions: { method: 'GET', path: '/configurations/{name}/revisions' },
  createRevision: { method: 'POST', path: '/configurations/{name}/revisions' },
  getRevision: { method: 'GET', path: '/configurations/{name}/revisions/{revision}' },
  diffRevisions: { method: 'GET', path: '/configurations/{name}/diff' },

  listGroups: { method: 'GET', path: '/groups' },
  getGroup: { method: 'GET', path: '/groups/{name}' },
  putGroup: { method: 'PUT', path: '/groups/{name}' },
  deleteGroup: { method: 'DELETE', path: '/groups/{name}' },
  listGroupAgents: { method: 'GET', path: '/groups/{name}/agents' },

  listStrategies: { method: 'GET', path: '/strategies' },
  getStrategy: { method: 'GET', path: '/strategies/{name}' },
  putStrategy: { method: 'PUT', path: '/strategies/{name}' },
  deleteStrategy: { method: 'DELETE', path: '/strategies/{name}' },

  planRollout: { method: 'POST', path: '/plans' },
  startRollout: { method: 'POST', path: '/rollouts' },
  listRollouts: { method: 'GET', path: '/rollouts' },
  getRollout: { method: 'GET', path: '/rollouts/{id}' },
  listRolloutTargets: { method: 'GET', path: '/rollouts/{id}/targets' },
  pauseRollout: { method: 'POST', path: '/rollouts/{id}:pause' },
  resumeRollout: { method: 'POST', path: '/rollouts/{id}:resume' },
  promoteRollout: { method: 'POST', path: '/rollouts/{id}:promote' },
  rollbackRollout: { method: 'POST', path: '/rollouts/{id}:rollback' },
  stopRollout: { method: 'POST', path: '/rollouts/{id}:stop' },
  retryRollout: { method: 'POST', path: '/rollouts/{id}:retry' },
  listRolloutEvents: { method: 'GET', path: '/rollouts/{id}/events' },

  listAlerts: { method: 'GET', path: '/alerts' },
  listWebhooks: { method: 'GET', path: '/webhooks' },
  getWebhook: { method: 'GET', path: '/webhooks/{name}' },
  putWebhook: { method: 'PUT', path: '/webhooks/{name}' },
  deleteWebhook: { method: 'DELETE', path: '/webhooks/{name}' },
  testWebhook: { method: 'POST', path: '/webhooks/{name}:test' },

  getFleet: { method: 'GET', path: '/fleet' },
  streamEvents: { method: 'GET', path: '/events' },
  getVersion: { method: 'GET', path: '/version' },
} as const satisfies Record<string, Route>;

export type OperationName = keyof typeof ROUTES;

/** Names of the inputs that travel as request headers. */
const HEADERS: Readonly<Record<string, string>> = {
  ifMatch: 'If-Match',
  idempotencyKey: 'Idempotency-Key',
  lastEventId: 'Last-Event-ID',
};

/** Where an input of an operation travels, and under which name: what is neither path, header nor body is query. */
export function placeOf({ path }: Route, input: string) {
  if (input === 'body') return { in: 'body', name: input } as const;
  if (HEADERS[input] !== undefined) return { in: 'header', name: HEADERS[input] } as const;
  return { in: path.includes(`{${input}}`) ? 'path' : 'query', name: input } as const;
}

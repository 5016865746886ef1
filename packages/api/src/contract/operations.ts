/**
 * The REST contract: every operation with its inputs, its answer and its errors. The client, `openapi.json` and the
 * types that the server must fill in all follow from this table.
 */
import { z } from 'zod';
import type { ProblemCode } from '../errors.ts';
import { API_LIMITS } from '../limits.ts';
import * as agents from '../resources/agents.ts';
import * as configurations from '../resources/configurations.ts';
import * as fleet from '../resources/fleet.ts';
import * as groups from '../resources/groups.ts';
import * as rollouts from '../resources/rollouts.ts';
import {
  author,
  historyOf,
  numeral,
  objectName,
  pageOf,
  paging,
  revisionNumber,
} from '../resources/values.ts';
import { type OperationName, ROUTES, type Route } from '../routes.ts';

interface Parts {
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Inputs that travel as headers, by their names in `HEADERS`. */
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** 200 unless another one is given. */
  readonly status?: 201 | 202 | 204;
  /** Those that belong to it; `invalid`, `too-large`, `internal` and the like can always come. */
  readonly errors?: readonly ProblemCode[];
  /**
   * The answer is a `text/event-stream` of `response`: blocks of `id` (the number), `event` (the kind) and `data`, and
   * comments while nothing happens. Without a number to resume from it begins with an `id` alone.
   */
  readonly stream?: true;
}

interface Described {
  readonly summary: string;
  readonly response: z.ZodType;
  readonly status: number;
  readonly errors: readonly ProblemCode[];
}

export type Operation = Route & Described & Omit<Parts, 'status' | 'errors'>;

function op<const Answer extends z.ZodType, const Given extends Parts = Record<never, never>>(
  summary: string,
  response: Answer,
  parts?: Given,
) {
  const { status = 200, errors = [], ...rest } = (parts ?? {}) as Given;
  return { summary, response, status: status as number, errors, ...rest } as Described & {
    readonly response: Answer;
  } & Omit<Given, 'status' | 'errors'>;
}

const byName = z.object({ name: objectName });
const byId = z.object({ id: z.string().min(1).max(200).meta({ description: 'Our id' }) });
const byAgent = z.object({
  id: z.string().min(1).max(200).meta({ description: 'Our agent id, or the instance UID' }),
});
const byAuthor = z.object({ author: author.optional() });
const inPages = z.object(paging);
const version = z.string().optional().meta({ description: 'Refused unless this is the present version' });
const ifMatch = z.object({ ifMatch: version });
const key = z.string().max(API_LIMITS.idempotencyKeyLength).optional();
const again = 'A repeated request with the same key gets the first answer and does nothing';
const idempotencyKey = z.object({ idempotencyKey: key.meta({ description: again }) });
const lastEventId = z.object({ lastEventId: numeral.min(0).optional() });

/** Reads one thing that must be there. */
const ofAgent = { params: byAgent, errors: ['not-found'] } as const;
const ofName = { params: byName, errors: ['not-found'] } as const;
const ofRollout = { params: byId, errors: ['not-found'] } as const;
/** Does something with an agent, at once or by and by. */
const act = { params: byAgent, query: byAuthor, errors: ['not-found'] } as const;
const deletion = { params: byName, query: byAuthor, headers: ifMatch, status: 204 } as const;
const nothing = z.void();

const operations = {
  listAgents: op('List agents', pageOf(agents.agent), {
    query: agents.agentFilter,
    errors: ['invalid-selector'],
  }),
  getAgent: op('Show an agent with its ledger', agents.agentDetail, ofAgent),
  labelAgent: op('Set or remove labels of an agent', agents.agent, { ...ofAgent, body: agents.labelRequest }),
  deleteAgent: op('Forget an agent', nothing, { ...act, status: 204 }),
  getAgentConfig: op('Show what an agent should run, was sent or says it runs', agents.agentConfig, {
    ...ofAgent,
    query: z.object({ view: agents.configView.default('effective') }),
  }),
  getAgentTimeline: op('Show the events of an agent, oldest first', historyOf(fleet.journalEvent), {
    ...ofAgent,
    query: inPages,
  }),
  pinAgent: op('Push a revision to one agent, whatever its group runs', agents.agent, {
    params: byAgent,
    body: agents.pinRequest,
    errors: ['not-found', 'refused-hash', 'conflict', 'not-supported'],
  }),
  unpinAgent: op('Give an agent back to its group', agents.agent, act),
  restartAgent: op('Tell an agent to restart', agents.agent, {
    ...act,
    status: 202,
    errors: ['not-found', 'not-supported', 'conflict'],
  }),
  retryAgent: op('Offer an agent again what it refused or did not apply', agents.agent, {
    ...act,
    status: 202,
    errors: ['not-found', 'conflict'],
  }),

  listConfigurations: op('List configurations', pageOf(configurations.configuration), { query: inPages }),
  getConfiguration: op('Show a configuration', configurations.configuration, ofName),
  putConfiguration: op('Create or change a configuration', configurations.configuration, {
    params: byName,
    headers: ifMatch,
    body: configurations.configurationRequest,
    errors: ['changed-meanwhile'],
  }),
  deleteConfiguration: op('Delete a configuration that no group runs', nothing, {
    ...deletion,
    errors: ['not-found', 'conflict', 'changed-meanwhile'],
  }),
  listRevisions: op('List the revisions of a configuration, newest first', pageOf(configurations.revision), {
    ...ofName,
    query: inPages,
  }),
  createRevision: op('Save a revision; touches no agent', configurations.savedRevision, {
    params: byName,
    headers: idempotencyKey,
    body: configurations.revisionRequest,
    status: 201,
    errors: ['not-found', 'invalid-config', 'conflict'],
  }),
  getRevision: op('Show a revision with its texts', configurations.revisionWithFiles, {
    params: byName.extend({ revision: revisionNumber }),
    errors: ['not-found'],
  }),
  diffRevisions: op('Compare two revisions of a configuration', configurations.diff, {
    ...ofName,
    query: configurations.diffQuery,
  }),
  check: op('Check texts without saving them', configurations.findings, {
    body: configurations.checkRequest,
  }),

  listGroups: op('List groups', pageOf(groups.group), { query: inPages }),
  getGroup: op('Show a group', groups.group, ofName),
  putGroup: op('Create or change a group', groups.group, {
    params: byName,
    headers: ifMatch,
    body: groups.groupRequest,
    errors: ['invalid-selector', 'invalid-strategy', 'conflict', 'rollout-active', 'changed-meanwhile'],
  }),
  deleteGroup: op('Delete a group; its agents keep what they run', nothing, {
    ...deletion,
    errors: ['not-found', 'rollout-active', 'changed-meanwhile'],
  }),
  listGroupAgents: op('List the agents of a group', pageOf(agents.agent), {
    params: byName,
    query: agents.agentFilter.omit({ group: true }),
    errors: ['not-found', 'invalid-selector'],
  }),

  startRollout: op(
    'Move a group, or each that runs a configuration, to a revision',
    rollouts.startedRollouts,
    {
      headers: idempotencyKey,
      body: rollouts.rolloutRequest,
      status: 201,
      errors: ['not-found', 'invalid-strategy', 'conflict', 'rollout-active', 'not-supported'],
    },
  ),
  listRollouts: op('List rollouts, newest first', pageOf(rollouts.rollout), {
    query: rollouts.rolloutFilter,
  }),
  getRollout: op('Show a rollout: how far it is, what failed and why', rollouts.rolloutDetail, ofRollout),
  listRolloutTargets: op('List what became of each agent of a rollout', pageOf(rollouts.target), {
    ...ofRollout,
    query: rollouts.targetFilter,
  }),
  listRolloutEvents: op('List the log of a rollout, oldest first', historyOf(rollouts.rolloutEvent), {
    ...ofRollout,
    query: inPages,
  }),
  listStrategies: op('List the strategies', z.object({ items: z.array(rollouts.strategy) })),

  getFleet: op('Count the fleet by group, state, version and capability', fleet.fleet),
  streamEvents: op('Follow what happens: in order, nothing lost or doubled', fleet.journalEvent, {
    query: fleet.eventFilter,
    headers: lastEventId,
    errors: ['gone'],
    stream: true,
  }),
  getVersion: op('Tell the version of the server', fleet.version),
} satisfies Record<OperationName, Described>;

export type Contract = { readonly [Op in OperationName]: (typeof ROUTES)[Op] & (typeof operations)[Op] };

const names = Object.keys(ROUTES) as OperationName[];
export const contract = Object.fromEntries(
  names.map((name) => [name, { ...ROUTES[name], ...operations[name] }]),
) as Contract;

/** The types that follow from the contract, for those who call the operations and for those who serve them. */
import type { z } from 'zod';
import type { Contract } from './contract.ts';
import type { OperationName } from './routes.ts';

/** Nobody changes what travels, so what is readonly at either end fits. */
type Fixed<T> = T extends readonly (infer Item)[]
  ? readonly Fixed<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Fixed<T[Key]> }
    : T;

/** What a caller gives: parameters, query and headers side by side; the body under `body`. As JSON has it. */
export type RequestOf<Op extends OperationName> = Fixed<z.input<Contract[Op]['input']>>;

/** What a handler gets: the same, checked, with defaults; times, durations and shares as the domain has them. */
export type InputOf<Op extends OperationName> = z.output<Contract[Op]['input']>;

/** What a caller gets, as JSON has it. */
export type AnswerOf<Op extends OperationName> = Fixed<z.input<Contract[Op]['response']>>;

/** What a handler gives: the same, as the domain has it. More fields than the contract names do no harm. */
export type ResultOf<Op extends OperationName> = Fixed<z.output<Contract[Op]['response']>>;

/** Every operation with one answer: all but the event stream. */
export type CallName = Exclude<OperationName, 'streamEvents'>;

/** What the server must implement, all of it. Handlers refuse by throwing `ApiError` or `FleetError`. */
export type Handlers = { readonly [Op in CallName]: (input: InputOf<Op>) => Promise<ResultOf<Op>> };

export type Agent = AnswerOf<'listAgents'>['items'][number];
export type ManyAgents = AnswerOf<'restartAgents'>;
export type AgentDetail = AnswerOf<'getAgent'>;
export type AgentConfig = AnswerOf<'getAgentConfig'>;
export type LedgerEntryView = AgentDetail['ledger'][number];
export type Configuration = AnswerOf<'getConfiguration'>;
export type Revision = AnswerOf<'listRevisions'>['items'][number];
export type SavedRevision = AnswerOf<'createRevision'>;
export type RevisionWithFiles = AnswerOf<'getRevision'>;
export type Group = AnswerOf<'getGroup'>;
export type Rollout = AnswerOf<'listRollouts'>['items'][number];
export type RolloutDetail = AnswerOf<'getRollout'>;
export type Strategy = AnswerOf<'getStrategy'>;
export type Plan = AnswerOf<'planRollout'>['plans'][number];
export type RolloutPart = RolloutDetail['children'][number];
export type RolloutEvent = AnswerOf<'listRolloutEvents'>['items'][number];
export type RolloutTarget = AnswerOf<'listRolloutTargets'>['items'][number];
export type Alert = AnswerOf<'listAlerts'>['items'][number];
export type Webhook = AnswerOf<'getWebhook'>;
export type WebhookRequest = RequestOf<'putWebhook'>['body'];
export type JournalEvent = AnswerOf<'streamEvents'>;

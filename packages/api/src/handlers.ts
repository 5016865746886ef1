/** The types that follow from the contract, for those who call the operations and for those who serve them. */
import type { z } from 'zod';
import type { Contract } from './contract/operations.ts';
import type { OperationName } from './routes.ts';

type Flat<T> = { [Key in keyof T]: T[Key] };
/** Nobody changes what travels, so what is readonly at either end fits. */
type Fixed<T> = T extends readonly (infer Item)[]
  ? readonly Fixed<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Fixed<T[Key]> }
    : T;
type Parsed<Op, Part extends string> =
  Op extends Record<Part, infer Schema extends z.ZodType> ? z.output<Schema> : unknown;
type Given<Op, Part extends string> =
  Op extends Record<Part, infer Schema extends z.ZodType> ? z.input<Schema> : unknown;
type Body<Op, T> = Op extends { readonly body: z.ZodType } ? { readonly body: T } : unknown;

/** What a handler gets: parameters, query and headers side by side, checked and with defaults; the body under `body`. */
export type InputOf<Op extends OperationName> = Flat<
  Parsed<Contract[Op], 'params'> &
    Parsed<Contract[Op], 'query'> &
    Parsed<Contract[Op], 'headers'> &
    Body<Contract[Op], Parsed<Contract[Op], 'body'>>
>;

/** What a caller gives: the same, with defaults left out. */
export type RequestOf<Op extends OperationName> = Flat<
  Given<Contract[Op], 'params'> &
    Given<Contract[Op], 'query'> &
    Given<Contract[Op], 'headers'> &
    Body<Contract[Op], Given<Contract[Op], 'body'>>
>;

/** The answer, as JSON has it. */
export type AnswerOf<Op extends OperationName> = Fixed<z.output<Contract[Op]['response']>>;

export type StreamName = {
  [Op in OperationName]: Contract[Op] extends { readonly stream: true } ? Op : never;
}[OperationName];

/** What a handler gives back: the answer, or for a stream its items one after the other. */
export type ResponseOf<Op extends OperationName> = Op extends StreamName
  ? AsyncIterable<AnswerOf<Op>>
  : AnswerOf<Op>;

/** What the server must implement, all of it. Handlers refuse by throwing `ApiError` or `FleetError`. */
export type Handlers<Context> = {
  readonly [Op in OperationName]: (input: InputOf<Op>, context: Context) => Promise<ResponseOf<Op>>;
};

export type Agent = AnswerOf<'listAgents'>['items'][number];
export type AgentDetail = AnswerOf<'getAgent'>;
export type AgentState = Agent['state'];
export type AgentConfig = AnswerOf<'getAgentConfig'>;
export type LedgerEntryView = AgentDetail['ledger'][number];
export type Configuration = AnswerOf<'getConfiguration'>;
export type Revision = AnswerOf<'listRevisions'>['items'][number];
export type SavedRevision = AnswerOf<'createRevision'>;
export type RevisionWithFiles = AnswerOf<'getRevision'>;
export type Group = AnswerOf<'getGroup'>;
export type Rollout = AnswerOf<'listRollouts'>['items'][number];
export type RolloutDetail = AnswerOf<'getRollout'>;
export type RolloutTarget = AnswerOf<'listRolloutTargets'>['items'][number];
export type Strategy = Rollout['strategy'];
export type Finding = AnswerOf<'check'>['findings'][number];
export type Fleet = AnswerOf<'getFleet'>;
export type JournalEvent = AnswerOf<'streamEvents'>;

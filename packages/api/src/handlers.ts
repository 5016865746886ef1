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
type Way = 'input' | 'output';
type Part<Op, Name extends string, Io extends Way> =
  Op extends Record<Name, infer Schema extends z.ZodType> ? Schema['_zod'][Io] : unknown;
type Body<Op, Io extends Way> = Op extends { readonly body: z.ZodType }
  ? { readonly body: Part<Op, 'body', Io> }
  : unknown;
type All<Op, Io extends Way> = Flat<
  Part<Op, 'params', Io> & Part<Op, 'query', Io> & Part<Op, 'headers', Io> & Body<Op, Io>
>;

/** What a handler gets: parameters, query and headers side by side, checked and with defaults; the body under `body`. */
export type InputOf<Op extends OperationName> = All<Contract[Op], 'output'>;

/** What a caller gives: the same, with defaults left out. */
export type RequestOf<Op extends OperationName> = All<Contract[Op], 'input'>;

/** The answer, as JSON has it. */
export type AnswerOf<Op extends OperationName> = Fixed<z.output<Contract[Op]['response']>>;

export type StreamName = {
  [Op in OperationName]: Contract[Op] extends { readonly stream: true } ? Op : never;
}[OperationName];

/** What a handler gives back: the answer, or for a stream its items one after the other. */
export type ResponseOf<Op extends OperationName> = Op extends StreamName ? AsyncIterable<AnswerOf<Op>> : AnswerOf<Op>;

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

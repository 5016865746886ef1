/**
 * The OpAMP protocol without I/O: messages and codec, framing, instance uids, the session of an agent, limits.
 * Runs wherever TextEncoder exists; imports no Node builtin.
 * @packageDocumentation
 */
export * from './codec.ts';
export * from './error.ts';
export * from './framing.ts';
export * from './generated/opamp/v1/anyvalue_pb.js';
export * from './generated/opamp/v1/opamp_pb.js';
export * from './instance-uid.ts';
export { defaultLimits, type Limits } from './limits.ts';
export * from './remote-config.ts';
export * from './reply.ts';
export type { Delivery, Exchange, Fact, Refusal } from './session/answer.ts';
export { exchange } from './session/exchange.ts';
export { attach, type Offer, push } from './session/offer.ts';
export { type Input, type Link, newSession, type Session } from './session/session.ts';

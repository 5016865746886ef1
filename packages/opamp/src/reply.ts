import { create, toBinary } from '@bufbuild/protobuf';
import { OpampError } from './error.ts';
import {
  type ConnectionSettingsOffers,
  type CustomCapabilities,
  type CustomMessage,
  type PackagesAvailable,
  ServerErrorResponseType,
  ServerToAgentSchema,
} from './generated/opamp/v1/opamp_pb.js';
import { type InstanceUid, uidToBytes } from './instance-uid.ts';
import type { EncodedRemoteConfig } from './remote-config.ts';

/** Why a message was refused. Only `unavailable` may carry a time (S-265). */
export type ReplyError =
  | { readonly type: 'unknown' | 'bad-request'; readonly message: string }
  | { readonly type: 'unavailable'; readonly message: string; readonly retryAfterMs?: number | undefined };

/** One ServerToAgent, as the server composes it. */
export interface Reply {
  /** The uid the agent sent with (S-049). */
  readonly uid: InstanceUid;
  /** Bits of ServerCapabilities (S-063). */
  readonly capabilities: number;
  /** Bits of ServerToAgentFlags. */
  readonly flags?: number | undefined;
  /** The uid the agent has to take from now on (S-079). */
  readonly newUid?: InstanceUid | undefined;
  /** Excludes everything else but the uid (S-053). */
  readonly error?: ReplyError | undefined;
  /** Travels with uid and capabilities only (S-230). */
  readonly command?: 'restart' | undefined;
  readonly remoteConfig?: EncodedRemoteConfig | undefined;
  readonly connectionSettings?: ConnectionSettingsOffers | undefined;
  readonly packagesAvailable?: PackagesAvailable | undefined;
  readonly customCapabilities?: CustomCapabilities | undefined;
  readonly customMessage?: CustomMessage | undefined;
}

/**
 * The bytes of a reply in parts to be written one after the other: what is this agent's alone, then the shared buffer
 * of the configuration, if there is one. Protobuf fields may come in any order, so the parts together are the message.
 * An error reply is written with its uid alone (the draft's capabilities are left out, S-053). Throws `mixed-reply`.
 */
export function encodeReply(reply: Reply): readonly Uint8Array[] {
  const { uid, error, command, capabilities, flags = 0, newUid, remoteConfig, ...offers } = reply;
  const parts = [error, command, newUid, remoteConfig, flags || undefined, ...Object.values(offers)];
  const alone = error !== undefined || command !== undefined;
  if (alone && parts.filter((part) => part !== undefined).length > 1) {
    throw new OpampError('mixed-reply', 'an error or a command travels alone: send the rest in another one');
  }
  if (error !== undefined) return [encodeError(error, uid)];
  const own = create(ServerToAgentSchema, {
    instanceUid: uidToBytes(uid),
    capabilities: BigInt(capabilities),
    flags: BigInt(flags),
    ...offers,
    // Present but empty: restart is the enum's zero (S-231).
    ...(command !== undefined && { command: {} }),
    ...(newUid !== undefined && { agentIdentification: { newInstanceUid: uidToBytes(newUid) } }),
  });
  const prefix = toBinary(ServerToAgentSchema, own);
  return remoteConfig === undefined ? [prefix] : [prefix, remoteConfig.bytes];
}

/**
 * The answer to bytes that are no AgentToServer (S-259, S-260). The uid stays empty when none could be read (A13).
 * @param message what is wrong, for people (S-261)
 */
export function encodeBadRequest(message: string, uid?: InstanceUid | undefined): Uint8Array {
  return encodeError({ type: 'bad-request', message }, uid);
}

const errorTypes = {
  unknown: ServerErrorResponseType.ServerErrorResponseType_Unknown,
  'bad-request': ServerErrorResponseType.ServerErrorResponseType_BadRequest,
  unavailable: ServerErrorResponseType.ServerErrorResponseType_Unavailable,
} as const;

function encodeError(error: ReplyError, uid: InstanceUid | undefined): Uint8Array {
  const retryAfterMs = error.type === 'unavailable' ? error.retryAfterMs : undefined;
  const retryAfterNanoseconds = BigInt(Math.round(retryAfterMs ?? 0)) * 1_000_000n;
  const message = create(ServerToAgentSchema, {
    instanceUid: uid === undefined ? new Uint8Array() : uidToBytes(uid),
    errorResponse: {
      type: errorTypes[error.type],
      errorMessage: error.message,
      ...(retryAfterMs !== undefined && {
        Details: { case: 'retryInfo', value: { retryAfterNanoseconds } },
      }),
    },
  });
  return toBinary(ServerToAgentSchema, message);
}

import { create, toBinary } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { peekInstanceUid } from './codec.ts';
import { ServerCapabilities, ServerErrorResponseType, ServerToAgentSchema } from './generated/opamp/v1/opamp_pb.js';
import { type InstanceUid, uidToBytes } from './instance-uid.ts';
import type { EncodedRemoteConfig } from './remote-config.ts';

/** What a reply may say in one message. */
interface Words {
  /** Bits of ServerToAgentFlags. */
  readonly flags?: number | undefined;
  /** The uid the agent has to take from now on (S-079). */
  readonly newUid?: InstanceUid | undefined;
  /** The configuration to run from now on (S-113). */
  readonly remoteConfig?: EncodedRemoteConfig | undefined;
}

/** A command travels alone (S-230). */
export type Content =
  | (Words & { readonly command?: undefined })
  | ({ readonly command: 'restart' } & { readonly [Part in keyof Words]?: undefined });

/** One ServerToAgent to the agent of this uid (S-049), as the server composes it. */
export type Reply = { readonly uid: InstanceUid } & Content;

/** In every reply (S-063, S-065): status, remote configuration and effective configuration, what `Reply` can do (S-067). */
const capabilities = BigInt(
  ServerCapabilities.ServerCapabilities_AcceptsStatus |
    ServerCapabilities.ServerCapabilities_OffersRemoteConfig |
    ServerCapabilities.ServerCapabilities_AcceptsEffectiveConfig,
);

/**
 * The bytes of a reply in parts to be written one after the other: what is this agent's alone, then the shared buffer
 * of the configuration, if there is one. Protobuf fields may come in any order, so the parts together are the message.
 */
export function encodeReply(reply: Reply): readonly Uint8Array[] {
  const { uid, flags, newUid, command, remoteConfig } = reply;
  const isPlain = !flags && newUid === undefined && command === undefined;
  const words = isPlain ? NO_WORDS : encodeWords(reply);
  const own = new Uint8Array(UID_FIELD.length + 16 + words.length);
  own.set(UID_FIELD);
  own.set(uidToBytes(uid), UID_FIELD.length);
  own.set(words, UID_FIELD.length + 16);
  return remoteConfig === undefined ? [own] : [own, remoteConfig.bytes];
}

/** Tag and length of `instance_uid`, which comes before everything else. */
const UID_FIELD = Uint8Array.of((ServerToAgentSchema.field.instanceUid.number << 3) | WireType.LengthDelimited, 16);

function encodeWords({ flags = 0, newUid, command }: Content): Uint8Array {
  const words = create(ServerToAgentSchema, {
    capabilities,
    flags: BigInt(flags),
    // Present but empty: restart is the enum's zero (S-231).
    ...(command !== undefined && { command: {} }),
    ...(newUid !== undefined && { agentIdentification: { newInstanceUid: uidToBytes(newUid) } }),
  });
  return toBinary(ServerToAgentSchema, words);
}

/** Most answers say only that the message was heard. */
const NO_WORDS = encodeWords({});

/**
 * The answer to bytes that are no AgentToServer (S-259, S-260; spec: ServerErrorResponse), in parts as of `encodeReply`:
 * the error and the uid alone (S-053). The uid is the one in the readable beginning of the bytes (S-049), or none (A13).
 * @param errorMessage what is wrong, for people (S-261)
 * @param received the bytes
 * @param uidHeader what the `OpAMP-Instance-UID` header of their request said, if they have no uid
 */
export function encodeBadRequest(errorMessage: string, received: Uint8Array, uidHeader?: InstanceUid): Uint8Array[] {
  const uid = peekInstanceUid(received) ?? uidHeader;
  const message = create(ServerToAgentSchema, {
    instanceUid: uid === undefined ? new Uint8Array() : uidToBytes(uid),
    errorResponse: { type: ServerErrorResponseType.ServerErrorResponseType_BadRequest, errorMessage },
  });
  return [toBinary(ServerToAgentSchema, message)];
}

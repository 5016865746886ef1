/**
 * What went wrong, stable across versions; the message text is for people and may change.
 *
 * - `malformed`: bytes that are not the expected protobuf message (also: text that is not UTF-8), or messages nested
 *   deeper than `limits.depth` (R12) or of more than `limits.fields` (R13).
 * - `bad-header`: a WebSocket message whose header varint is not 0 or not 1-10 bytes long (S-012, S-013).
 * - `bad-instance-uid`: an instance uid that is not 16 bytes (S-076).
 * - `bad-config`: a configuration without hash (S-115), with a name twice (S-127) or with unencodable text.
 */
export type OpampErrorCode = 'malformed' | 'bad-header' | 'bad-instance-uid' | 'bad-config';

/** The only error this package throws on purpose: decide by `code`, show `message`, log `cause`. */
export class OpampError extends Error {
  /** Tells it from other errors where classes cannot. */
  override readonly name = 'OpampError';
  /** What went wrong. */
  readonly code: OpampErrorCode;

  constructor(code: OpampErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

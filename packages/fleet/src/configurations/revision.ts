import type { Instant } from '../time.ts';

/** One named text of a configuration. The key in the map is its name on the wire; `""` is the usual one (S-128). */
export interface ConfigFile {
  readonly body: string;
  readonly contentType: string;
}

export type ConfigFiles = Readonly<Record<string, ConfigFile>>;

/** A named configuration; its texts are in its revisions. */
export interface Configuration {
  readonly name: string;
  readonly description: string;
  readonly createdAt: Instant;
  readonly createdBy: string;
}

/** One immutable revision: number within its configuration, content hash, and who saved it when and why. */
export interface Revision {
  readonly configuration: string;
  readonly number: number;
  /** SHA-256 (hex) over the canonical bytes of the files: the hash on the wire (S-116). */
  readonly hash: string;
  readonly parent: number | null;
  readonly author: string;
  readonly message: string;
  readonly createdAt: Instant;
  readonly bytes: number;
}

/** A revision by name, number and hash (hex SHA-256 of its canonical bytes). */
export interface RevisionRef {
  readonly configuration: string;
  readonly revision: number;
  readonly hash: string;
}

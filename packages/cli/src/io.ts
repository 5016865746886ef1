export interface Output {
  write(text: string): unknown;
  on?(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface Input extends AsyncIterable<Uint8Array | string> {
  readonly isTTY?: boolean | undefined;
}

export type Env = Readonly<Record<string, string | undefined>>;

/** The outside world, so that tests can be one. */
export interface Io {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Env;
  readonly now?: (() => number) | undefined;
  /** Aborted by Ctrl-C; without it the process listens itself, while a command waits. */
  readonly interrupted?: AbortSignal | undefined;
}

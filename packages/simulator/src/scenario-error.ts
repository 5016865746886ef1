/** A scenario that cannot be used: `path` says where, the message what is allowed there. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly code = 'bad-scenario';
  /** Such as `groups[0].behaviours[2].kind`; empty for the whole file. */
  readonly path: string;

  constructor(path: string, problem: string, options?: { readonly cause?: unknown }) {
    super(path === '' ? problem : `${path}: ${problem}`, options);
    this.path = path;
  }
}

import type { Change } from './store.ts';

export type ChangeKind = Change['kind'];

export type ChangeOf<K extends ChangeKind> = Extract<Change, { kind: K }>;

/** How each kind of change is written: a kind without a writer does not compile. */
export type Writers<K extends ChangeKind = ChangeKind> = {
  readonly [Kind in K]: (change: ChangeOf<Kind>) => void;
};

export function write(writers: Writers, change: Change): void {
  const writer = writers[change.kind] as (change: Change) => void;
  writer(change);
}

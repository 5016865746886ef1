/** What one holder has taken of a budget. */
export interface Share {
  /** Whether there was room for `bytes`. */
  take(bytes: number): boolean;
  /** Give back all that was taken. */
  release(): void;
}

/** A sum with an upper end: bytes of messages that are not complete yet, over all connections (R13). */
export function createBudget(size: number): () => Share {
  let used = 0;
  return () => {
    let own = 0;
    const take = (bytes: number): boolean => {
      if (used + bytes > size) return false;
      used += bytes;
      own += bytes;
      return true;
    };
    const release = (): void => {
      used -= own;
      own = 0;
    };
    return { take, release };
  };
}

/**
 * A sum with an upper end: bytes of messages that are not complete yet, over all connections (R13).
 * What comes back gives each holder its share in it.
 */
export function createBudget(left: number) {
  return () => {
    let own = 0;
    return {
      /** Whether there was room for `bytes`. */
      take(bytes: number): boolean {
        if (bytes > left) return false;
        left -= bytes;
        own += bytes;
        return true;
      },
      /** Give back all that was taken. */
      release(): void {
        left += own;
        own = 0;
      },
    };
  };
}

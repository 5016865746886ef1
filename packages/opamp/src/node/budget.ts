/** A sum with an upper end, shared by all connections: bytes of messages that are not complete yet (R13). */
export class Budget {
  private readonly size: number;
  private used = 0;

  constructor(size: number) {
    this.size = size;
  }

  /** Whether there was room for `bytes`; only then they have to be given back. */
  take(bytes: number): boolean {
    if (this.used + bytes > this.size) return false;
    this.used += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.used -= bytes;
  }
}

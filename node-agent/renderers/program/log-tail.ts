/** The end of what a program writes, whatever the amount: a flood costs the bytes kept and no more. */
export class LogTail {
  readonly #charsMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(charsMax: number) {
    this.#charsMax = charsMax;
  }

  push(chunk: Buffer): void {
    const bytesMax = this.#bytesMax;
    // A slice would keep the whole chunk alive.
    const kept = chunk.length > bytesMax ? Buffer.from(chunk.subarray(-bytesMax)) : chunk;
    this.#chunks.push(kept);
    this.#bytes += kept.length;
    // Joined only once it has doubled, so that many small writes do not copy the tail each time.
    if (this.#bytes > 2 * bytesMax || this.#chunks.length > CHUNKS_MAX) this.#join();
  }

  /** At most `charsMax` characters; bytes that are no UTF-8 show as U+FFFD. */
  toString(): string {
    this.#join();
    return (this.#chunks[0]?.toString('utf8') ?? '').slice(-this.#charsMax);
  }

  #join(): void {
    const joined = Buffer.from(Buffer.concat(this.#chunks).subarray(-this.#bytesMax));
    this.#chunks = [joined];
    this.#bytes = joined.length;
  }

  /** UTF-8 takes up to 4 bytes a character, and at most 3 for a UTF-16 unit. */
  get #bytesMax(): number {
    return 3 * this.#charsMax;
  }
}

const CHUNKS_MAX = 256;

/**
 * How many results may be on their way at once. One per slot always; small ones beyond that, since they hold next to no
 * memory and a round trip to the server would otherwise bound the rate of short tiles.
 */
const SMALL_BYTES_MAX = 4 * 1024 * 1024;
const SMALL_COUNT_MAX = 64;

export class PublishWindow {
  readonly #slots: number;
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = [];
  #count = 0;
  #bytes = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** @returns undefined when there is room now, else what to wait for; first come, first in. */
  enter(bytes: number): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#hasRoomFor(bytes)) {
      this.#take(bytes);
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push({ bytes, enter: resolve }));
  }

  leave(bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
    for (let next = this.#waiting[0]; next && this.#hasRoomFor(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#take(next.bytes);
      next.enter();
    }
  }

  #hasRoomFor(bytes: number): boolean {
    if (this.#count < this.#slots) return true;
    return this.#count < SMALL_COUNT_MAX && this.#bytes + bytes <= SMALL_BYTES_MAX;
  }

  #take(bytes: number): void {
    this.#count++;
    this.#bytes += bytes;
  }
}

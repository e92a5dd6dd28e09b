/** Virtual time: what is to happen, in order of its instant, and in order of planning where instants are equal. */

interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class VirtualTime {
  nowMs = 0;
  /** Events that have happened. */
  count = 0;
  private order = 0;
  /** A binary heap, the next one first. */
  private readonly heap: Planned[] = [];

  after(delayMs: number, run: () => void): void {
    const { heap } = this;
    heap.push({ atMs: this.nowMs + delayMs, order: this.order++, run });
    let index = heap.length - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(heap[index]!, heap[parent]!)) return;
      this.swap(index, parent);
      index = parent;
    }
  }

  /** Calls `run` now and then again and again, until it returns false. */
  every(periodMs: number, run: () => boolean): void {
    const again = () => {
      if (run()) this.after(periodMs, again);
    };
    this.after(periodMs, again);
  }

  /** Runs what comes next. @returns false when there is nothing before `untilMs`. */
  step(untilMs: number): boolean {
    const { heap } = this;
    const next = heap[0];
    if (!next || next.atMs > untilMs) return false;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      this.sink();
    }
    this.nowMs = next.atMs;
    this.count++;
    next.run();
    return true;
  }

  private sink(): void {
    const { heap } = this;
    for (let index = 0; ; ) {
      let first = index;
      for (const child of [2 * index + 1, 2 * index + 2])
        if (child < heap.length && isBefore(heap[child]!, heap[first]!)) first = child;
      if (first === index) return;
      this.swap(index, first);
      index = first;
    }
  }

  private swap(a: number, b: number): void {
    const { heap } = this;
    const held = heap[a]!;
    heap[a] = heap[b]!;
    heap[b] = held;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/**
 * The nodes of a class by what is free on them: a tournament tree over free slots and free memory, so that the freest
 * node with enough memory is found, and a node updated, in the logarithm of their number.
 */

/** A search for something still better ends after so many steps. */
const STEPS_MAX = 64;

export class FreeNodes {
  private leafCount = 1;
  /** By heap index: 1 is the root, the leaves are the last `leafCount`. */
  private slots = new Int32Array(2);
  /** Most free memory of a node below that has a free slot; -1: no slot is free. */
  private memory = new Float64Array(2).fill(-1);
  /** The same of all nodes, whether a slot is free or not. */
  private anyMemory = new Float64Array(2).fill(-1);

  /** Free slots of the node that has most. */
  get slotsMax(): number {
    return this.slots[1]!;
  }

  /** Free memory of the node that has most, of those with a free slot; -1: there is none. */
  get memoryMax(): number {
    return this.memory[1]!;
  }

  /** Free memory of the node that has most, whether it has a free slot or not; -1: there is no node. */
  get anyMemoryMax(): number {
    return this.anyMemory[1]!;
  }

  set(position: number, freeSlots: number, freeMemoryBytes: number): void {
    if (position >= this.leafCount) this.grow(position + 1);
    const { slots, memory, anyMemory } = this;
    let at = this.leafCount + position;
    slots[at] = freeSlots;
    memory[at] = freeSlots > 0 ? freeMemoryBytes : -1;
    anyMemory[at] = freeMemoryBytes;
    for (at >>= 1; at > 0; at >>= 1) {
      const left = 2 * at;
      const moreSlots = Math.max(slots[left]!, slots[left + 1]!);
      const moreMemory = Math.max(memory[left]!, memory[left + 1]!);
      const moreAny = Math.max(anyMemory[left]!, anyMemory[left + 1]!);
      // Nothing above can change either.
      if (slots[at] === moreSlots && memory[at] === moreMemory && anyMemory[at] === moreAny) return;
      slots[at] = moreSlots;
      memory[at] = moreMemory;
      anyMemory[at] = moreAny;
    }
  }

  /**
   * @returns position of a node that has the memory and is not to be skipped, with the most free slots or, where many of
   *   those lack memory, with nearly as many; -1: there is none.
   */
  freest(memoryBytes: number, isSkipped?: (position: number) => boolean): number {
    let best = -1;
    let bestSlots = 0;
    let steps = 0;
    const visit = (at: number): void => {
      if (this.slots[at]! <= bestSlots || this.memory[at]! < memoryBytes) return;
      steps += 1;
      if (at >= this.leafCount) {
        const position = at - this.leafCount;
        if (isSkipped?.(position)) return;
        best = position;
        bestSlots = this.slots[at]!;
        return;
      }
      if (best >= 0 && steps > STEPS_MAX) return;
      const left = 2 * at;
      const isRightFreer = this.slots[left + 1]! > this.slots[left]!;
      visit(isRightFreer ? left + 1 : left);
      visit(isRightFreer ? left : left + 1);
    };
    visit(1);
    return best;
  }

  /** Positions of at most `countMax` nodes that have a free slot and the memory. */
  some(memoryBytes: number, countMax: number): readonly number[] {
    const found: number[] = [];
    const visit = (at: number): void => {
      if (found.length >= countMax || this.memory[at]! < memoryBytes) return;
      if (at >= this.leafCount) found.push(at - this.leafCount);
      else {
        visit(2 * at);
        visit(2 * at + 1);
      }
    };
    visit(1);
    return found;
  }

  private grow(countMin: number): void {
    const { leafCount, slots, memory, anyMemory } = this;
    while (this.leafCount < countMin) this.leafCount *= 2;
    this.slots = new Int32Array(2 * this.leafCount);
    this.memory = new Float64Array(2 * this.leafCount).fill(-1);
    this.anyMemory = new Float64Array(2 * this.leafCount).fill(-1);
    for (let position = 0; position < leafCount; position++) {
      this.slots[this.leafCount + position] = slots[leafCount + position]!;
      this.memory[this.leafCount + position] = memory[leafCount + position]!;
      this.anyMemory[this.leafCount + position] = anyMemory[leafCount + position]!;
    }
    for (let at = this.leafCount - 1; at > 0; at--) {
      this.slots[at] = Math.max(this.slots[2 * at]!, this.slots[2 * at + 1]!);
      this.memory[at] = Math.max(this.memory[2 * at]!, this.memory[2 * at + 1]!);
      this.anyMemory[at] = Math.max(this.anyMemory[2 * at]!, this.anyMemory[2 * at + 1]!);
    }
  }
}

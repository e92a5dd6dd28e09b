/**
 * In which order a job's tiles enter the queue: second copies first, then tiles that are tried again, then one isolated
 * tile, then those of retried frames, then all others, in the job's order of frames and of tiles within them. Positions
 * only: whoever takes a tile moves it.
 */
import type { NodeId } from '#shared/domain/ids.js';
import { isFrameEnded } from '#shared/state/frame-state.js';
import { type LiveFrame, tileState } from './live-frame.js';

export interface TilePosition {
  readonly frame: LiveFrame;
  readonly tile: number;
  /** It is queued with this node already, and a second time with another. */
  readonly copyOfNode?: NodeId;
}

export interface NextTile {
  readonly frame: LiveFrame;
  readonly tile: number;
  readonly attempt: number;
  /** Nodes that are to leave it to others. */
  readonly avoid: readonly NodeId[];
}

/** What the farm is like when a tile is given out. */
export interface TakeOptions {
  /** Nodes that may take tiles of the job; empty: not known. Asked for only where nodes are to be avoided. */
  readonly workers?: () => readonly NodeId[];
  /** Whether an isolated tile of any job is out. */
  readonly isIsolatedOut?: boolean;
  /**
   * Whether tiles of the frame with this number may be given out now. One that may not is passed over, and looked at again
   * when `LiveJob.frameFreed` says so: not before, or each look would go through all frames that wait. Absent: all may.
   */
  readonly mayRender?: (frame: number) => boolean;
  /** Whether a frame of which no tile was given out may be begun. Absent: it may. */
  readonly mayBegin?: boolean;
}

/** A frame that tiles are taken from, and how far. */
interface Place {
  readonly frameIndex: number;
  nextTile: number;
}

export interface TileOrderParts {
  /** Frame numbers of the job. */
  readonly frames: readonly number[];
  /** Places in `frames`, each once (planning/frame-order.ts). */
  readonly order: Iterator<number, void, undefined>;
  /** Nothing for a frame that has ended. */
  openFrame(frame: number): LiveFrame | undefined;
}

export class TileOrder {
  /** While set, no frame is begun: how it is cut is being decided. */
  isHeld = false;
  private readonly parts: TileOrderParts;
  private readonly copies: TilePosition[] = [];
  private readonly repeats: TilePosition[] = [];
  private readonly isolated: TilePosition[] = [];
  private current: Place | undefined;
  /** To be gone through before the order goes on, the last one first: what was retried, or put off for that. */
  private readonly ahead: Place[] = [];
  /** Frames that were passed and may be rendered now, oldest first from `nextFreed` on; they come after `ahead`. */
  private readonly freedFrames: number[] = [];
  private nextFreed = 0;
  /** Frames (their places in `frames`) that the order has passed because they were not to be rendered yet. */
  private readonly passed = new Set<number>();
  private isOrderOver = false;

  constructor(parts: TileOrderParts) {
    this.parts = parts;
  }

  /** The tile is planned once more. */
  again(frame: LiveFrame, tile: number): void {
    const list = frame.cases.get(tile)?.isIsolated ? this.isolated : this.repeats;
    list.push({ frame, tile });
  }

  copy(frame: LiveFrame, tile: number, copyOfNode: NodeId): void {
    this.copies.push({ frame, tile, copyOfNode });
  }

  /** Frames that had ended are open again: they come next, in this order, and what was begun goes on after them. */
  goBackTo(frameIndexes: readonly number[]): void {
    this.putOff();
    for (const frameIndex of frameIndexes.toReversed()) this.ahead.push({ frameIndex, nextTile: 0 });
  }

  /** A frame that may not have been rendered before may be now: it comes before those that were not looked at yet. */
  freed(frameIndex: number): void {
    if (this.passed.delete(frameIndex)) this.freedFrames.push(frameIndex);
  }

  /** As `freed`, for all that were passed over; in the order in which they were. */
  allFreed(): void {
    for (const frameIndex of [...this.passed]) this.freed(frameIndex);
  }

  /** Whether every tile that may be rendered has been given out, but for those that wait isolated. */
  get isAllOut(): boolean {
    if (!this.isOrderOver || this.current) return false;
    return this.ahead.length === 0 && this.freedFrames.length === 0 && this.repeats.length === 0;
  }

  /**
   * @param isolatedToo whether an isolated tile may be given out now.
   * @param mayRender of a frame's number; frames begun go on without it, and without `mayBegin`.
   */
  next(
    isolatedToo: boolean,
    mayRender: (frame: number) => boolean = () => true,
    mayBegin: boolean = true,
  ): TilePosition | undefined {
    for (let copy = this.copies.pop(); copy; copy = this.copies.pop())
      if (stands(copy, 'queued')) return copy;
    for (let repeat = this.repeats.pop(); repeat; repeat = this.repeats.pop())
      if (stands(repeat, 'planned')) return repeat;
    return (isolatedToo ? this.nextIsolated() : undefined) ?? this.nextInOrder(mayRender, mayBegin);
  }

  /** Fewest losses first: a tile that merely was with one that ends agents is done before the next agent ends. */
  private nextIsolated(): TilePosition | undefined {
    this.isolated.sort((a, b) => lossesOf(b) - lossesOf(a));
    for (let one = this.isolated.pop(); one; one = this.isolated.pop())
      if (stands(one, 'planned')) return one;
    return undefined;
  }

  private nextInOrder(mayRender: (frame: number) => boolean, mayBegin: boolean): TilePosition | undefined {
    for (;;) {
      if (!this.current && mayBegin) this.current = this.nextFrame(mayRender);
      if (!this.current) return undefined;
      const frame = this.parts.openFrame(this.parts.frames[this.current.frameIndex]!);
      if (frame && !isFrameEnded(frame.state)) {
        while (this.current.nextTile < frame.layout.count) {
          const tile = frame.layout.tileAt(this.current.nextTile++);
          if (tileState(frame, tile) === 'planned' && !frame.cases.get(tile)?.isIsolated)
            return { frame, tile };
        }
      }
      this.current = undefined;
    }
  }

  private nextFrame(mayRender: (frame: number) => boolean): Place | undefined {
    while (!this.isHeld) {
      const next = this.ahead.pop() ?? this.nextOfFreed() ?? this.nextPlace();
      if (!next) return undefined;
      if (mayRender(this.parts.frames[next.frameIndex]!)) return next;
      this.passed.add(next.frameIndex);
    }
    return undefined;
  }

  private nextOfFreed(): Place | undefined {
    if (this.freedFrames.length === 0) return undefined;
    const frameIndex = this.freedFrames[this.nextFreed++]!;
    if (this.nextFreed === this.freedFrames.length) {
      this.freedFrames.length = 0;
      this.nextFreed = 0;
    }
    return { frameIndex, nextTile: 0 };
  }

  private nextPlace(): Place | undefined {
    if (this.isOrderOver) return undefined;
    const next = this.parts.order.next();
    if (!next.done) return { frameIndex: next.value, nextTile: 0 };
    this.isOrderOver = true;
    return undefined;
  }

  private putOff(): void {
    if (this.current) this.ahead.push(this.current);
    this.current = undefined;
  }
}

/** Its frame may have ended, and the tile moved on, since it was put down here. */
function stands({ frame, tile }: TilePosition, state: 'planned' | 'queued'): boolean {
  return frame.state === 'rendering' && tileState(frame, tile) === state;
}

function lossesOf({ frame, tile }: TilePosition): number {
  return frame.cases.get(tile)?.losses ?? 0;
}

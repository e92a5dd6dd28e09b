/**
 * In which order a job's tiles enter the queue: second copies first, then tiles that are tried again, then one isolated
 * tile, then all others in frame order. Positions only: whoever takes a tile moves it.
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
}

export class TileOrder {
  private readonly frames: readonly number[];
  private readonly tileCount: number;
  private readonly openFrame: (frame: number) => LiveFrame | undefined;
  private readonly copies: TilePosition[] = [];
  private readonly repeats: TilePosition[] = [];
  private readonly isolated: TilePosition[] = [];
  private nextFrameIndex = 0;
  private nextTileIndex = 0;

  constructor(
    frames: readonly number[],
    tileCount: number,
    openFrame: (frame: number) => LiveFrame | undefined,
  ) {
    this.frames = frames;
    this.tileCount = tileCount;
    this.openFrame = openFrame;
  }

  /** The tile is planned once more. */
  again(frame: LiveFrame, tile: number): void {
    const list = frame.cases.get(tile)?.isIsolated ? this.isolated : this.repeats;
    list.push({ frame, tile });
  }

  copy(frame: LiveFrame, tile: number, copyOfNode: NodeId): void {
    this.copies.push({ frame, tile, copyOfNode });
  }

  /** A frame that had ended is open again. */
  goBackTo(frameIndex: number): void {
    // Going back looks at open frames once more, whose tiles are no longer planned.
    if (frameIndex > this.nextFrameIndex) return;
    this.nextFrameIndex = frameIndex;
    this.nextTileIndex = 0;
  }

  /** Whether every tile has been given out, but for those that wait isolated. */
  get isAllOut(): boolean {
    return this.nextFrameIndex >= this.frames.length && this.repeats.length === 0;
  }

  /** @param isolatedToo whether an isolated tile may be given out now. */
  next(isolatedToo: boolean): TilePosition | undefined {
    for (let copy = this.copies.pop(); copy; copy = this.copies.pop())
      if (stands(copy, 'queued')) return copy;
    for (let repeat = this.repeats.pop(); repeat; repeat = this.repeats.pop())
      if (stands(repeat, 'planned')) return repeat;
    return (isolatedToo ? this.nextIsolated() : undefined) ?? this.nextInOrder();
  }

  /** Fewest losses first: a tile that merely was with one that ends agents is done before the next agent ends. */
  private nextIsolated(): TilePosition | undefined {
    this.isolated.sort((a, b) => lossesOf(b) - lossesOf(a));
    for (let one = this.isolated.pop(); one; one = this.isolated.pop())
      if (stands(one, 'planned')) return one;
    return undefined;
  }

  private nextInOrder(): TilePosition | undefined {
    for (; this.nextFrameIndex < this.frames.length; this.nextFrameIndex++, this.nextTileIndex = 0) {
      const frame = this.openFrame(this.frames[this.nextFrameIndex]!);
      if (!frame || isFrameEnded(frame.state)) continue;
      while (this.nextTileIndex < this.tileCount) {
        const tile = this.nextTileIndex++;
        if (tileState(frame, tile) === 'planned' && !frame.cases.get(tile)?.isIsolated)
          return { frame, tile };
      }
    }
    return undefined;
  }
}

/** Its frame may have ended, and the tile moved on, since it was put down here. */
function stands({ frame, tile }: TilePosition, state: 'planned' | 'queued'): boolean {
  return frame.state === 'rendering' && tileState(frame, tile) === state;
}

function lossesOf({ frame, tile }: TilePosition): number {
  return frame.cases.get(tile)?.losses ?? 0;
}

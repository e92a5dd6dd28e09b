/** What a job's frames and tiles have come to, in sums; and what its tiles take. */
import type { EndedFrame } from './job-progress.js';
import type { LiveFrame } from './live-frame.js';
import { addTileCounts, noTileCounts } from './tile-counts.js';

export class JobTally {
  framesFinished = 0;
  framesFailed = 0;
  tilesDone = 0;
  tilesFailed = 0;
  coreSeconds = 0;
  readonly counts = noTileCounts();
  private resultCount = 0;
  private renderMsSum = 0;
  /** Of results whose time was foretold: what they took, and what they were expected to take, ms. */
  private foretoldRenderMs = 0;
  private foretoldMs = 0;

  /** A frame that ended before, as its record says. */
  add(ended: EndedFrame): void {
    this.count(ended, 1);
  }

  /** A frame whose record no longer counts. */
  takeBack(ended: EndedFrame): void {
    this.count(ended, -1);
  }

  /** A result of a tile. @param renderMs wall time in a slot's thread. */
  rendered({ layout }: LiveFrame, tile: number, renderMs: number): void {
    this.resultCount++;
    this.renderMsSum += renderMs;
    const foretoldMs = layout.expectedMsOf(tile);
    if (foretoldMs === 0) return;
    this.foretoldRenderMs += renderMs;
    this.foretoldMs += foretoldMs;
  }

  /** What a tile takes on average, ms; 0: not known. */
  get expectedMs(): number {
    return this.resultCount === 0 ? 0 : this.renderMsSum / this.resultCount;
  }

  /**
   * What this tile is expected to take, ms; 0: not known. What its layout says was learnt from other frames, on other
   * nodes maybe: it is corrected by how such expectations have turned out so far.
   */
  expectedMsOf({ layout }: LiveFrame, tile: number): number {
    const foretoldMs = layout.expectedMsOf(tile);
    if (foretoldMs === 0) return this.expectedMs;
    return this.foretoldMs === 0 ? foretoldMs : (foretoldMs * this.foretoldRenderMs) / this.foretoldMs;
  }

  private count(ended: EndedFrame, sign: 1 | -1): void {
    if (ended.state === 'finished') this.framesFinished += sign;
    else this.framesFailed += sign;
    this.tilesDone += sign * ended.tilesDone;
    this.tilesFailed += sign * ended.tilesFailed;
    this.coreSeconds += sign * ended.coreSeconds;
    addTileCounts([this.counts], ended.counts, sign);
  }
}

/**
 * What is remembered of failed attempts, so that a bad node can be told from a bad tile: who failed which tile, and
 * whether somebody else could render it. Plain data, bounded, times as arguments; judge-nodes.ts draws the conclusions.
 *
 * A tile is to blame itself when it has failed on two or more nodes and never worked. If it works later on, the blame goes
 * back to those who failed it. A failure counts for a time only; as evidence of what a tile is like it stays for as long
 * as its job has failures that count, so that time alone never blames anybody.
 */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { LIMITS } from '#shared/limits.js';

/** One failed attempt. Idempotent under (job, frame, tile, attempt, node). */
export interface NodeFailure {
  readonly jobId: JobId;
  readonly studio: string;
  readonly frame: number;
  readonly tile: number;
  readonly attempt: number;
  readonly nodeId: NodeId;
  readonly atMs: number;
  readonly code: string;
  /** Whether a result of the tile counts now. */
  readonly isTileDone: boolean;
}

/** What a node is blamed for in a job. */
export interface NodeBlame {
  /** When it failed each of the tiles that count, the last time; oldest first. */
  readonly failedAtMs: readonly number[];
  /** Of its last failure, e.g. `RENDER_FAILED`. */
  readonly code: string;
}

export interface JobBlame {
  readonly jobId: JobId;
  readonly studio: string;
  /** Tiles that are to blame themselves. */
  readonly badTiles: number;
  readonly nodes: ReadonlyMap<NodeId, NodeBlame>;
}

export interface TriedTile {
  readonly frame: number;
  readonly tile: number;
  /** It has worked since. */
  readonly isDone: boolean;
  readonly tries: readonly FailedTry[];
}

export interface FailedTry {
  readonly nodeId: NodeId;
  readonly attempt: number;
  readonly atMs: number;
  readonly code: string;
  /** False where it says something of the tile alone: the node was lost with it, or is forgiven. */
  readonly counts: boolean;
}

/** The book as a value, for the store. */
export interface BlameRecord {
  readonly jobs: readonly {
    readonly jobId: JobId;
    readonly studio: string;
    readonly tiles: readonly TriedTile[];
  }[];
}

interface Tile {
  readonly frame: number;
  readonly tile: number;
  isDone: boolean;
  tries: FailedTry[];
}

type FailedTile = Pick<NodeFailure, 'jobId' | 'studio' | 'frame' | 'tile' | 'isTileDone'>;

interface Job {
  readonly studio: string;
  /** The one that failed longest ago first. */
  readonly tiles: Map<string, Tile>;
}

export class BlameBook {
  /** The one with the oldest last failure first. */
  private readonly jobs = new Map<JobId, Job>();
  private tileCount = 0;

  constructor(record: BlameRecord = { jobs: [] }) {
    for (const { jobId, studio, tiles } of record.jobs)
      for (const { frame, tile, tries, isDone } of tiles) {
        for (const failed of tries) this.add({ jobId, studio, frame, tile, isTileDone: isDone }, failed);
      }
  }

  get isEmpty(): boolean {
    return this.jobs.size === 0;
  }

  /** @returns whether it is news. */
  attemptFailed({ nodeId, attempt, atMs, code, ...of }: NodeFailure): boolean {
    // A node that is lost may have been killed by the tile; when several are, the tile is reported as failed by them.
    return this.add(of, { nodeId, attempt, atMs, code, counts: code !== 'NODE_LOST' });
  }

  /** A result of the tile was accepted. Cheap for tiles that never failed. @returns whether it says anything new. */
  tileDone(jobId: JobId, frame: number, tile: number): boolean {
    const known = this.jobs.get(jobId)?.tiles.get(keyOf(frame, tile));
    if (!known || known.isDone) return false;
    known.isDone = true;
    return true;
  }

  /** Nothing that a node has failed counts any more. @returns the jobs in which something did. */
  forgive(nodeId: NodeId): readonly JobId[] {
    const forgiven = new Set<JobId>();
    for (const [jobId, { tiles }] of this.jobs)
      for (const tile of tiles.values())
        tile.tries = tile.tries.map((failed) => {
          if (failed.nodeId !== nodeId || !failed.counts) return failed;
          forgiven.add(jobId);
          return { ...failed, counts: false };
        });
    return [...forgiven];
  }

  /** Forgets jobs none of whose failures counts any more. */
  forget(nowMs: number, forgiveAfterMs: number): void {
    for (const [jobId, { tiles }] of this.jobs) {
      const isOver = ({ tries }: Tile) => tries.every(({ atMs }) => atMs + forgiveAfterMs <= nowMs);
      if (![...tiles.values()].every(isOver)) continue;
      this.jobs.delete(jobId);
      this.tileCount -= tiles.size;
    }
  }

  /** Who is blamed for what now. */
  blames(nowMs: number, forgiveAfterMs: number): readonly JobBlame[] {
    return [...this.jobs].map(([jobId, { studio, tiles }]) => {
      let badTiles = 0;
      const nodes = new Map<NodeId, { failedAtMs: number[]; lastAtMs: number; code: string }>();
      for (const tile of tiles.values()) {
        if (isToBlame(tile)) {
          badTiles++;
          continue;
        }
        for (const [nodeId, { atMs, code }] of lastTries(tile.tries)) {
          if (atMs + forgiveAfterMs <= nowMs) continue;
          const blame = nodes.get(nodeId) ?? { failedAtMs: [], lastAtMs: Number.NEGATIVE_INFINITY, code };
          blame.failedAtMs.push(atMs);
          if (atMs >= blame.lastAtMs) Object.assign(blame, { lastAtMs: atMs, code });
          nodes.set(nodeId, blame);
        }
      }
      for (const { failedAtMs } of nodes.values()) failedAtMs.sort((a, b) => a - b);
      return { jobId, studio, badTiles, nodes };
    });
  }

  toRecord(): BlameRecord {
    return {
      jobs: [...this.jobs].map(([jobId, { studio, tiles }]) => ({
        jobId,
        studio,
        tiles: [...tiles.values()].map((tile) => ({ ...tile })),
      })),
    };
  }

  private add(of: FailedTile, failed: FailedTry): boolean {
    const { jobId, studio, frame, isTileDone: isDone } = of;
    const job: Job = this.jobs.get(jobId) ?? { studio, tiles: new Map() };
    const key = keyOf(frame, of.tile);
    const before = job.tiles.get(key);
    const tile: Tile = before ?? { frame, tile: of.tile, isDone, tries: [] };
    // A result that counted before may have been found to be none.
    tile.isDone = isDone;
    const { nodeId, attempt } = failed;
    if (tile.tries.some((other) => other.nodeId === nodeId && other.attempt === attempt)) return false;
    tile.tries.push(failed);
    if (tile.tries.length > LIMITS.blamedTriesPerTileMax) tile.tries.shift();
    if (!before) this.tileCount++;
    job.tiles.delete(key);
    job.tiles.set(key, tile);
    this.jobs.delete(jobId);
    this.jobs.set(jobId, job);
    if (job.tiles.size > LIMITS.blamedTilesPerJobMax) this.dropOldest(jobId, job);
    while (this.tileCount > LIMITS.blamedTilesMax) {
      const [oldestId, oldest] = this.jobs.entries().next().value!;
      this.dropOldest(oldestId, oldest);
    }
    return true;
  }

  private dropOldest(jobId: JobId, { tiles }: Job): void {
    tiles.delete(tiles.keys().next().value!);
    this.tileCount--;
    if (tiles.size === 0) this.jobs.delete(jobId);
  }
}

function isToBlame({ isDone, tries }: Tile): boolean {
  return !isDone && tries.some(({ nodeId }) => nodeId !== tries[0]!.nodeId);
}

/** Each node's last try that counts. */
function lastTries(tries: readonly FailedTry[]): ReadonlyMap<NodeId, FailedTry> {
  const last = new Map<NodeId, FailedTry>();
  for (const failed of tries) {
    const before = last.get(failed.nodeId);
    if (failed.counts && (!before || failed.atMs >= before.atMs)) last.set(failed.nodeId, failed);
  }
  return last;
}

function keyOf(frame: number, tile: number): string {
  return `${frame}/${tile}`;
}

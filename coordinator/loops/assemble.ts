/**
 * Turns complete frames into recorded ones: read the tiles (from memory, else again from the stream), stitch in another
 * thread, fsync the record, tell, purge the tiles. At most two at a time, so that one writes while another is computed;
 * collecting never waits for it.
 */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import pLimit from 'p-limit';
import { retryCall } from '#shared/bus/retry-call.js';
import { paddedFrame } from '#shared/domain/frame-range.js';
import { type Digest, type NodeId, slug } from '#shared/domain/ids.js';
import { messageOf } from '#shared/errors.js';
import type { FailedTile, FrameResult } from '../adapters/store/records.js';
import type { Farm, Stitcher } from '../farm.js';
import type { StitchRequest, StitchResult, WrittenFile } from '../frames/stitch-request.js';
import { tileColumns } from '../jobs/finished-tiles.js';
import { giveUpBytes, type LiveFrame, type PlacedResult } from '../jobs/live-frame.js';
import type { LiveJob } from '../jobs/live-job.js';
import { publishFailure } from './reject-result.js';
import { tellFrameEnd } from './tell-frame-end.js';
import { tellRepaired } from './tell-repaired.js';
import { withDisk } from './with-disk.js';

const FRAMES_AT_ONCE = 2;
const STITCH_TRIES = 3;
const STITCH_RETRY_MS = 1_000;

type Stitched = StitchResult | { readonly kind: 'gone_tiles'; readonly tiles: readonly number[] };

export interface AssemblerHooks {
  /** Bytes that no longer wait in memory. */
  released(bytes: number): void;
  /** Its end is recorded and told: nobody needs the frame's results any more. */
  frameTold(job: LiveJob, frame: number): void;
  /** A frame was recorded, finished or failed. */
  frameEnded(job: LiveJob, frame: number): void;
}

export class Assembler {
  private readonly farm: Farm;
  private readonly stitcher: Stitcher;
  private readonly hooks: AssemblerHooks;
  private readonly limit = pLimit(FRAMES_AT_ONCE);
  private readonly running = new Set<Promise<void>>();

  constructor(farm: Farm, stitcher: Stitcher, hooks: AssemblerHooks) {
    this.farm = farm;
    this.stitcher = stitcher;
    this.hooks = hooks;
  }

  /** A frame whose tiles are all in. */
  assemble(job: LiveJob, frame: LiveFrame): void {
    // What waits for the disk to be recorded keeps no other frame from being put together.
    this.track(this.limit(() => this.assembleFrame(job, frame)).then((record) => record?.()));
  }

  /** A frame that has a tile which failed for good. */
  fail(job: LiveJob, frame: LiveFrame, failedTiles: readonly FailedTile[]): void {
    this.track(
      this.recordFailure(
        job,
        frame,
        failedTiles,
        failedTiles[0]?.attempts.at(-1)?.message ?? 'a tile failed',
      ),
    );
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled([...this.running]);
  }

  private track(work: Promise<void>): void {
    const tracked = work
      .catch((err: unknown) => {
        if (this.farm.signal.aborted) return;
        throw err;
      })
      .finally(() => this.running.delete(tracked));
    this.running.add(tracked);
  }

  /** @returns what is still to be done, if anything. */
  private async assembleFrame(job: LiveJob, frame: LiveFrame): Promise<(() => Promise<void>) | undefined> {
    if (job.isEnding || this.farm.signal.aborted) return undefined;
    const startedAtMs = this.farm.clock.nowMs();
    let stitched: Stitched;
    try {
      stitched = await this.stitch(job, frame);
    } catch (err) {
      if (this.farm.signal.aborted || job.isEnding) return undefined;
      // The frame alone is lost: other frames and jobs go on.
      this.farm.log.error({ jobId: job.jobId, frame: frame.frame, err }, 'frame cannot be put together');
      return () => this.recordFailure(job, frame, [], messageOf(err));
    }
    if (this.farm.signal.aborted) return undefined;
    if (stitched.kind === 'gone_tiles') {
      this.openAgain(job, frame, stitched.tiles);
      return undefined;
    }
    if (stitched.kind === 'bad_tiles') {
      await this.rejectAll(job, frame, stitched.tiles);
      return undefined;
    }
    const { files } = stitched;
    return () => this.recordFinished(job, frame, files, startedAtMs);
  }

  private async stitch(job: LiveJob, frame: LiveFrame): Promise<Stitched> {
    const { settings } = job.record;
    const renderers = [...new Set(frame.results.map((result) => result?.renderer ?? ''))];
    const request = {
      widthPx: settings.widthPx,
      heightPx: settings.heightPx,
      layers: settings.layers,
      folder: this.farm.store.jobs.framesFolder(job.jobId),
      baseName: `${slug(job.record.name)}.${paddedFrame(frame.frame)}`,
      formats: settings.formats,
      view: settings.view,
      exposureEv: settings.exposureEv,
      metadata: {
        'guian.jobId': job.jobId,
        'guian.frame': String(frame.frame),
        'guian.renderer': renderers.join(', '),
      },
    };
    // The bytes are handed over to the thread, not copied: another try reads them from the stream again.
    const tryOnce = async (): Promise<Stitched> => {
      const { tiles, gone } = await this.takeTiles(frame);
      return gone.length > 0
        ? { kind: 'gone_tiles', tiles: gone }
        : await this.stitcher.stitch({ ...request, tiles });
    };
    for (let attempt = 1; ; attempt++) {
      try {
        const what = `frame ${frame.frame}`;
        return await withDisk(this.farm, job.jobId, what, tryOnce, frame.frame, 'room');
      } catch (err) {
        if (this.farm.signal.aborted || attempt === STITCH_TRIES) throw err;
        this.farm.log.warn(
          { jobId: job.jobId, frame: frame.frame, attempt, err },
          'stitching failed; trying again',
        );
        await delay(STITCH_RETRY_MS, undefined, { signal: this.farm.signal }).catch(() => undefined);
      }
    }
  }

  /** The encoded tiles of a complete frame, from memory or from the stream; memory gives them up. */
  private async takeTiles(frame: LiveFrame) {
    const tiles: StitchRequest['tiles'][number][] = [];
    const gone: number[] = [];
    for (const [tile, result] of frame.results.entries()) {
      const bytes = result?.bytes ?? (result && (await this.readAgain(result)));
      this.release(result);
      if (bytes) tiles.push({ tile, region: frame.layout.regionOfTile(tile), bytes });
      else gone.push(tile);
    }
    return { tiles, gone };
  }

  private async recordFinished(
    job: LiveJob,
    frame: LiveFrame,
    files: readonly WrittenFile[],
    startedAtMs: number,
  ): Promise<void> {
    const { farm } = this;
    if (job.isEnding) {
      const folder = farm.store.jobs.framesFolder(job.jobId);
      for (const file of files) await rm(join(folder, file.name), { force: true });
      return;
    }
    const record: FrameResult = {
      ...this.common(job, frame),
      state: 'finished',
      files: files.map((file) => ({ ...file, digest: file.digest as Digest })),
    };
    await this.close(job, frame, record);
    farm.log.info(
      { jobId: job.jobId, frame: frame.frame, durationMs: farm.clock.nowMs() - startedAtMs },
      'frame finished',
    );
    const told = tellFrameEnd(farm, job, record);
    this.hooks.frameEnded(job, frame.frame);
    void told.then(() => this.hooks.frameTold(job, frame.frame));
  }

  private async recordFailure(
    job: LiveJob,
    frame: LiveFrame,
    failedTiles: readonly FailedTile[],
    reason: string,
  ): Promise<void> {
    if (job.isEnding) return;
    const common = this.common(job, frame);
    const attemptsUsed = frame.attempts.reduce((most, attempts) => Math.max(most, attempts), 0);
    const failed = { reason, failedTiles: [...failedTiles], attemptsUsed };
    const record: FrameResult = { ...common, state: 'failed', ...failed };
    await this.close(job, frame, record);
    this.farm.log.warn({ jobId: job.jobId, frame: frame.frame }, 'frame failed');
    const told = tellFrameEnd(this.farm, job, record);
    this.hooks.frameEnded(job, frame.frame);
    // Its other queued tiles stay: a purge below the job's consumer would make it skip tiles of other frames, too
    // (result-reader.ts), and they are no more than one frame's.
    void told.then(() => this.hooks.frameTold(job, frame.frame));
  }

  private common(job: LiveJob, frame: LiveFrame) {
    const nodeIds = new Set<NodeId>();
    let coreSeconds = 0;
    for (const result of frame.results) {
      if (!result) continue;
      nodeIds.add(result.nodeId);
      coreSeconds += result.coreSeconds;
    }
    return {
      frame: frame.frame,
      tilesTotal: frame.layout.count,
      layout: frame.layout.id,
      tilesDone: frame.doneCount,
      coreSeconds,
      ...frame.counts,
      finishedAtMs: this.farm.clock.nowMs(),
      nodeIds: [...nodeIds],
      tiles: tileColumns(frame.results),
      retry: job.frameRetries.count,
    };
  }

  private async close(job: LiveJob, frame: LiveFrame, record: FrameResult): Promise<void> {
    await withDisk(
      this.farm,
      job.jobId,
      `record of frame ${frame.frame}`,
      () => this.farm.store.jobs.writeFrame(job.jobId, record),
      frame.frame,
    );
    job.closeFrame(frame, record.state);
    this.hooks.released(giveUpBytes(frame));
  }

  private release(result: PlacedResult | undefined): void {
    if (!result?.bytes) return;
    this.hooks.released(result.bytes.byteLength);
    result.bytes = undefined;
  }

  /** Reads a result's parts again. Nothing when one is gone or damaged: the tile is then rendered again. */
  private async readAgain(result: PlacedResult): Promise<Uint8Array | undefined> {
    const { bus, signal } = this.farm;
    const bytes = new Uint8Array(result.sizeBytes);
    let offset = 0;
    for (const seq of result.sequences) {
      const message = await retryCall(
        `read result ${seq}`,
        () => bus.jsm.streams.getMessage(bus.names.resultsStream, { seq }),
        signal,
      ).catch((error: unknown) => {
        if (error instanceof JetStreamApiError) return null;
        throw error;
      });
      if (!message || offset + message.data.byteLength > bytes.byteLength) return undefined;
      bytes.set(message.data, offset);
      offset += message.data.byteLength;
    }
    const isWhole =
      offset === bytes.byteLength && createHash('sha256').update(bytes).digest('hex') === result.digest;
    return isWhole ? bytes : undefined;
  }

  /**
   * The bus has lost results that were no longer in memory: that is no node's fault, so nothing is counted against the
   * tiles. They count as queued, and the reconcile loop finds them missing.
   */
  private openAgain(job: LiveJob, frame: LiveFrame, tiles: readonly number[]): void {
    if (job.isEnding) return;
    for (const tile of tiles) this.release(job.displace(frame, tile));
    const results = tiles.length === 1 ? '1 result' : `${tiles.length} results`;
    tellRepaired(this.farm, job, `${results} of frame ${frame.frame} had gone from the bus; rendered again`);
  }

  /**
   * All of a frame's bad tiles are open again before the first is reported: rendered again one by one, they would
   * complete the frame, and start its assembly, while others of them still count as done.
   */
  private async rejectAll(
    job: LiveJob,
    frame: LiveFrame,
    bad: readonly { readonly tile: number; readonly reason: string }[],
  ): Promise<void> {
    if (job.isEnding) return;
    const rejected = bad.map((item) => ({ ...item, result: job.displace(frame, item.tile) }));
    for (const { result } of rejected) this.release(result);
    for (const { tile, result, reason } of rejected)
      await this.reject(job, frame, tile, result, reason).catch((err: unknown) => {
        if (this.farm.signal.aborted) throw err;
        // The tile is open, and found missing; only that its node failed it is not told.
        this.farm.log.error(
          { jobId: job.jobId, frame: frame.frame, tile, err },
          'rejected result not reported',
        );
      });
  }

  /**
   * A placed result that cannot be used counts as a failed attempt of its node, and is reported as one on the results
   * stream, so that a restart sees what this coordinator saw. Report first, then delete: between the two a restart
   * would merely find the bad result once more.
   */
  private async reject(
    job: LiveJob,
    frame: LiveFrame,
    tile: number,
    result: PlacedResult,
    reason: string,
  ): Promise<void> {
    const { bus, signal, log, events } = this.farm;
    log.warn(
      { jobId: job.jobId, frame: frame.frame, tile, nodeId: result.nodeId, reason },
      'result rejected',
    );
    void events.publish({
      jobId: job.jobId,
      kind: 'result_rejected',
      state: job.state,
      frame: frame.frame,
      tile,
      attempt: result.attempt,
      nodeId: result.nodeId,
      message: `the result of node ${result.nodeId} cannot be used: ${reason}`,
    });
    await publishFailure(this.farm, job, {
      frame: frame.frame,
      tile,
      attempt: result.attempt,
      nodeId: result.nodeId,
      renderer: result.renderer,
      reason,
    });
    for (const seq of result.sequences)
      await retryCall(
        `delete result ${seq}`,
        () => bus.jsm.streams.deleteMessage(bus.names.resultsStream, seq),
        signal,
      ).catch((error: unknown) => {
        if (!(error instanceof JetStreamApiError)) throw error;
      });
  }
}

/**
 * What a job of a million tiles costs the coordinator's memory, and its planning per tile: frames are begun in an order
 * that leaves many of them for later, tiles are given out as far as the queue's window goes, results come in, frames end.
 */
import { LiveJob } from '#coordinator/jobs/live-job.js';
import type { NextTile } from '#coordinator/jobs/tile-order.js';
import type { NodeId } from '#shared/domain/ids.js';
import { invariant } from '#shared/invariant.js';
import { LIMITS } from '#shared/limits.js';
import { testRecord, testResult } from '#tests/support/live-jobs.js';
import type { Answer, Benchmark } from './support/benchmark.js';
import { rounded } from './support/statistics.js';

const FRAMES = 1_000;
const TILES_PER_FRAME = 1_000;
const HEAP_MB_MAX = 300;
const MIB = 1024 * 1024;

export const benchmark: Benchmark = {
  question: 'what does a job of a million tiles take of the coordinator’s memory and time?',
  async run(): Promise<Answer> {
    const job = new LiveJob(
      testRecord({
        frames: Array.from({ length: FRAMES }, (_, index) => index),
        ...{ widthPx: TILES_PER_FRAME * 8, heightPx: 8, tilePx: 8 },
        schedule: { frameOrder: 'first-middle-last', tileOrder: 'spiral' },
      }),
    );
    invariant(job.progress().tilesTotal === 1_000_000, 'a million tiles');
    const queue: NextTile[] = [];
    let peakMb = 0;
    let done = 0;
    const result = testResult('node' as NodeId, 1);
    const startMs = performance.now();
    while (!job.areAllFramesEnded()) {
      for (let next: NextTile | undefined; queue.length < LIMITS.queuedTilesPerJobMax; queue.push(next)) {
        next = job.takeNextTile();
        if (!next) break;
      }
      if (done % 100_000 === 0) peakMb = Math.max(peakMb, memoryMb());
      for (const { frame, tile } of queue.splice(0, 500)) {
        done++;
        if (job.place(frame, tile, { ...result })) job.closeFrame(frame, 'finished');
      }
    }
    const seconds = (performance.now() - startMs) / 1000;
    invariant(done === 1_000_000 && job.progress().tilesDone === done, `${done} tiles are done`);
    return {
      rows: [
        {
          tiles: done,
          peakHeapMb: rounded(peakMb),
          microsecondsPerTile: rounded((seconds * 1e6) / done),
        },
      ],
      targets: [{ what: 'memory of the process, MB', value: rounded(peakMb), atMost: HEAP_MB_MAX }],
    };
  },
};

function memoryMb(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / MIB;
}

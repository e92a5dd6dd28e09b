/** Frames of one job are cut in several ways, one after the other; whatever is killed when, no frame is cut in two. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NodeId, newPlanId, type PlanId } from '#shared/domain/ids.js';
import type { Region } from '#shared/domain/region.js';
import { testRecord, testResult } from '#tests/support/live-jobs.js';
import { NO_RETRIES } from '../adapters/store/records.js';
import {
  type LayoutsRecord,
  layoutRecord,
  layoutRecordSchema,
  layoutsRecordSchema,
  NO_LAYOUTS,
} from '../planning/layout-record.js';
import { tileGrid } from '../planning/tile-grid.js';
import type { EndedFrame } from './job-progress.js';
import { LiveJob } from './live-job.js';
import { queuedTiles } from './queued-tiles.js';

const SIDE_PX = 48;
const FRAME = { widthPx: SIDE_PX, heightPx: SIDE_PX };
const A = 'a' as NodeId;

/** A cut of the frame into tiles of this size, dear or not. */
function cutOf(tilePx: number) {
  const grid = tileGrid(FRAME, { tileWidthPx: tilePx, tileHeightPx: tilePx });
  return Array.from({ length: grid.count }, (_, tile) => ({
    region: grid.regionOfTile(tile),
    expectedMs: 100 + tile,
  }));
}

function expectCovered(regions: readonly Region[]): void {
  const covered = new Uint8Array(SIDE_PX * SIDE_PX);
  for (const { x0, y0, x1, y1 } of regions)
    for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) covered[y * SIDE_PX + x]!++;
  expect(covered.every((count) => count === 1)).toBe(true);
}

describe('layouts of a job', () => {
  const record = testRecord({ frames: [1, 2, 3, 4], ...FRAME, tilePx: 16 });

  it('are for the frames that have not begun; the others stay as they are, and every tile is counted', () => {
    const job = new LiveJob(record);
    expect(job.progress().tilesTotal).toBe(4 * 9);
    for (let tile = 0; tile < 12; tile++) job.takeNextTile();
    const one = layoutRecord(1, newPlanId(), cutOf(24), job.frames.notBegun());
    expect(one.frames).toEqual([[2, 3]]);
    job.frames.addLayout(layoutRecordSchema.parse(JSON.parse(JSON.stringify(one))));
    expect(job.progress().tilesTotal).toBe(2 * 9 + 2 * 4);
    expect([1, 2, 3, 4].map((frame) => job.frames.layoutOf(frame).id)).toEqual([0, 0, 1, 1]);
    const rest = Array.from({ length: 6 + 8 }, () => job.takeNextTile()!);
    expect(job.takeNextTile()).toBeUndefined();
    const third = rest.filter(({ frame }) => frame.frame === 3);
    expectCovered(third.map(({ frame, tile }) => frame.layout.regionOfTile(tile)));
    expect(third[0]!.frame.layout.planId).toBe(one.planId);
    expect(job.expectedMsOf(third[1]!.frame, 1)).toBe(101);
    job.place(third[0]!.frame, 0, { ...testResult(A, 1), renderMs: 200 });
    expect(job.expectedMsOf(third[1]!.frame, 1), 'this node takes twice as long').toBe(202);
  });

  it('are refused when their columns do not fit each other', () => {
    const one = layoutRecord(1, newPlanId(), cutOf(24), [[0, 1]]);
    expect(layoutRecordSchema.safeParse({ ...one, expectedMs: one.regions }).success).toBe(false);
    expect(layoutRecordSchema.safeParse({ ...one, regions: '' }).success).toBe(false);
    expect(layoutsRecordSchema.safeParse({ layouts: [{ ...one, id: 2 }] }).success).toBe(false);
  });

  it('never mix in a frame, whatever is killed at whatever moment', () => {
    const step = fc.constantFrom(
      'take',
      'take',
      'finish',
      'finish',
      'finish',
      'relay',
      'write',
      'add',
      'kill',
    );
    const frameOrder = fc.constantFrom('sequential', 'reverse', 'first-middle-last');
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), frameOrder, (steps, order) => {
        const farm = new Farm(order);
        for (const one of steps) farm[one]();
        farm.finishAll();
        for (const results of farm.frames.values()) {
          expect(new Set(results.map(({ planId }) => planId)).size, 'one cut').toBe(1);
          expectCovered(results.map(({ region }) => region));
        }
        expect(farm.frames.size).toBe(5);
      }),
      { numRuns: 300 },
    );
  });
});

interface Message {
  readonly frame: number;
  readonly tile: number;
  readonly attempt: number;
  readonly planId: PlanId;
  readonly region: Region;
}

/** A coordinator that may be killed, and what outlives it: the store, the queue and the results. */
class Farm {
  /** Finished frames, and what they were put together from. */
  readonly frames = new Map<number, Message[]>();
  private readonly record;
  private stored: LayoutsRecord = NO_LAYOUTS;
  private readonly ended: EndedFrame[] = [];
  private readonly queue = new Map<string, Message>();
  private results: Message[] = [];
  private job: LiveJob;
  private pending: LayoutsRecord['layouts'][number] | undefined;
  private isWritten = false;

  constructor(frameOrder: string) {
    this.record = testRecord({ frames: [1, 2, 3, 4, 5], ...FRAME, tilePx: 16, schedule: { frameOrder } });
    this.job = new LiveJob(this.record);
  }

  take(): void {
    const next = this.job.takeNextTile();
    if (!next) return;
    const { frame, tile, attempt } = next;
    const { planId } = frame.layout;
    const key = `${frame.frame}/${tile}/${attempt}`;
    const known = this.queue.get(key);
    if (known && known.planId !== planId) {
      // As adopt-from-queue.ts does.
      this.queue.delete(key);
      this.job.requeue(frame, tile, attempt);
    } else if (!known)
      this.queue.set(key, {
        ...{ frame: frame.frame, tile, attempt, planId, region: frame.layout.regionOfTile(tile) },
      });
  }

  finish(): void {
    const [first] = this.queue;
    if (!first) return;
    this.queue.delete(first[0]);
    this.results.push(first[1]);
    this.collect(first[1]);
  }

  /** A new layout is decided on. */
  relay(): void {
    const frames = this.job.frames.notBegun();
    if (this.pending || frames.length === 0) return;
    const { newest } = this.job.layouts;
    this.job.isHeld = true;
    this.isWritten = false;
    this.pending = layoutRecord(newest.id + 1, newPlanId(), cutOf(newest.id % 2 === 0 ? 24 : 48), frames);
  }

  write(): void {
    if (!this.pending || this.isWritten) return;
    this.stored = { layouts: [...this.job.layouts.stored.layouts, this.pending] };
    this.isWritten = true;
  }

  add(): void {
    if (!this.pending || !this.isWritten) return;
    if (this.job.frames.begunOf(this.pending.frames) === 0) this.job.frames.addLayout(this.pending);
    else this.stored = this.job.layouts.stored;
    this.pending = undefined;
    this.job.isHeld = false;
  }

  /** A new coordinator knows what is stored, and reads the results before it feeds. */
  kill(): void {
    this.pending = undefined;
    this.job = new LiveJob(this.record, this.ended, NO_RETRIES, this.stored);
    for (const result of this.results) this.collect(result);
  }

  finishAll(): void {
    this.write();
    this.add();
    for (let round = 0; this.frames.size < 5 && round < 500; round++) {
      this.take();
      this.finish();
      if (this.queue.size === 0) this.requeueMissing();
    }
  }

  /** As collect.ts does. */
  private collect(message: Message): void {
    const layout = this.job.frames.layoutOf(message.frame);
    if (message.planId !== layout.planId || message.tile >= layout.count) return;
    const frame = this.job.openFrame(message.frame);
    if (!frame || frame.results[message.tile]) return;
    if (!this.job.place(frame, message.tile, testResult(A, message.attempt))) return;
    const { planId } = layout;
    const parts = Array.from({ length: layout.count }, (_, tile) =>
      this.results.find((one) => one.frame === message.frame && one.tile === tile && one.planId === planId),
    );
    this.frames.set(message.frame, parts as Message[]);
    this.job.closeFrame(frame, 'finished');
    this.ended.push({
      ...{ frame: message.frame, state: 'finished', tilesDone: layout.count, tilesFailed: 0, coreSeconds: 1 },
    });
    this.results = this.results.filter((one) => one.frame !== message.frame);
  }

  /** As the reconcile loop does: tiles that are queued for this coordinator, and nowhere. */
  private requeueMissing(): void {
    for (const { open, tile, attempt } of queuedTiles(this.job))
      if (!this.queue.has(`${open.frame}/${tile}/${attempt}`)) this.job.requeue(open, tile, attempt);
  }
}

/**
 * Learns from finished tiles what the pixels of a job cost, and has frames that have not begun cut accordingly: after its
 * first frame, or a quarter of it, and now and then later; before its first tile where a preview job has shown it.
 *
 * A layout is in the store before any tile of it is queued, and while it is written no frame is begun: so a frame has one
 * layout, in this coordinator and in those after it. Should a queue hold a tile of another one nevertheless (its record
 * was lost), its plan id tells, and it counts for nothing (adopt-from-queue.ts, collect.ts).
 */
import { setImmediate } from 'node:timers/promises';
import { formatDurationMs } from '#shared/domain/duration.js';
import { type JobId, newPlanId } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';
import type { LiveFrame } from '../jobs/live-frame.js';
import type { LiveJob } from '../jobs/live-job.js';
import { costsOfFrame, previewCosts } from '../jobs/tile-costs.js';
import { blendMaps } from '../planning/cost-map.js';
import { layoutRecord } from '../planning/layout-record.js';
import { type KnownCosts, type NextLayout, nextLayout } from '../planning/next-layout.js';
import { tileOverheadMs } from '../planning/tile-target.js';

/** The frame just finished tells most about the next one. */
const NEWEST_WEIGHT = 0.5;
/** A first frame that takes hours helps the others before it is done. */
const PART_OF_FIRST_FRAME = 0.25;
/** The first frame tells where the dear parts are, the second how dear they are; a third is for scenes of sharp contrasts. */
const ROUNDS_MAX = 3;
/**
 * Before that is known, a job of small frames has no more tiles in the queue than keep its slots at work: all its frames
 * would be begun before the first is done.
 */
const FIRST_TILES_MIN = 16;
const FIRST_TILES_PER_SLOT = 4;

export interface LearnerHooks {
  /** Slots that work on tiles of a job; 0: none, or it is not known yet. */
  slotsOf(jobId: JobId): number;
  /** All that there are: what a job that has none yet may get. */
  slotsOfFarm(): number;
  /** Frames may be begun again. */
  mayGoOn(): void;
}

/** What is known of a job. */
interface Learnt {
  costs: KnownCosts | undefined;
  /** Of which layout the newest results were. */
  layoutSeen: number;
  frames: number;
  /** Looked at again after so many frames: ever more rarely, as costs are known better and each look costs some ms. */
  lookAfter: number;
  isDeciding: boolean;
  /** Layouts that were made by whole frames. */
  rounds: number;
  /** There is little more to learn, so that frames may be begun as fast as the queue takes them. */
  isSettled: boolean;
}

export class LayoutLearner {
  private readonly farm: Farm;
  private readonly hooks: LearnerHooks;
  private readonly learnt = new WeakMap<LiveJob, Learnt>();
  private readonly running = new Set<Promise<void>>();
  private isStarted = false;

  constructor(farm: Farm, hooks: LearnerHooks) {
    this.farm = farm;
    this.hooks = hooks;
  }

  /** Tiles are given out from now on. Before that, frames whose tiles stand in the queue would seem not to have begun. */
  start(): void {
    this.isStarted = true;
  }

  /** Whether the job may begin frames now. */
  mayBegin(job: LiveJob): boolean {
    if (!job.layouts.mayChange || this.of(job).isSettled) return true;
    return job.tilesQueued < Math.max(FIRST_TILES_MIN, FIRST_TILES_PER_SLOT * this.hooks.slotsOf(job.jobId));
  }

  /** A result counts. Called for each. */
  tileDone(job: LiveJob, frame: LiveFrame): void {
    if (!job.layouts.mayChange || frame.doneCount !== Math.ceil(frame.layout.count * PART_OF_FIRST_FRAME))
      return;
    const learnt = this.of(job);
    if (!this.isStarted || learnt.costs || learnt.isDeciding || frame.layout.id !== 0) return;
    const map = costsOfFrame(job.record, frame);
    const { tileWidthPx, tileHeightPx } = job.record.plan;
    if (map) this.decide(job, learnt, { map, seen: map, sidePxMax: Math.max(tileWidthPx, tileHeightPx) });
  }

  /** All results of a frame are in. */
  frameComplete(job: LiveJob, frame: LiveFrame): void {
    if (!job.layouts.mayChange) return;
    const learnt = this.of(job);
    // Frames that were begun before the newest cut was made know less.
    if (frame.layout.id < learnt.layoutSeen) return;
    learnt.layoutSeen = frame.layout.id;
    learnt.frames++;
    const newer = costsOfFrame(job.record, frame);
    if (!newer) {
      learnt.isSettled = true;
      return;
    }
    learnt.costs = { map: blendMaps(learnt.costs?.map, newer, NEWEST_WEIGHT), seen: newer };
    if (this.isStarted && !learnt.isDeciding) this.lookAt(job, learnt);
  }

  /** A job is live: if it is held for its preview, and that is over already, nothing more is to come. */
  jobOpened(job: LiveJob): void {
    const { previewJobId } = job.record.schedule;
    if (!job.isHeld || previewJobId === undefined || this.farm.jobs.liveJob(previewJobId)) return;
    this.track(this.learnFromPreview(job, previewJobId));
  }

  /** A job has ended: those that it was the preview of may begin. */
  jobEnded(jobId: JobId): void {
    for (const job of this.farm.jobs.liveJobs())
      if (job.record.schedule.previewJobId === jobId) this.jobOpened(job);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.allSettled([...this.running]);
  }

  private of(job: LiveJob): Learnt {
    let learnt = this.learnt.get(job);
    if (!learnt) {
      learnt = {
        costs: undefined,
        layoutSeen: 0,
        frames: 0,
        lookAfter: 1,
        isDeciding: false,
        rounds: 0,
        isSettled: false,
      };
      this.learnt.set(job, learnt);
    }
    return learnt;
  }

  private lookAt(job: LiveJob, learnt: Learnt): void {
    if (!learnt.costs || learnt.frames < learnt.lookAfter || learnt.layoutSeen < job.layouts.newest.id)
      return;
    learnt.lookAfter = learnt.frames + Math.max(1, Math.ceil(learnt.frames / 4));
    this.decide(job, learnt, learnt.costs);
  }

  private decide(job: LiveJob, learnt: Learnt, costs: KnownCosts): void {
    learnt.isDeciding = true;
    this.track(this.decideNow(job, learnt, costs));
  }

  private async decideNow(job: LiveJob, learnt: Learnt, costs: KnownCosts): Promise<void> {
    let isNew = false;
    try {
      isNew = await this.cutAnew(job, costs);
    } finally {
      learnt.isDeciding = false;
      if (isNew) learnt.lookAfter = 0;
      if (costs.sidePxMax === undefined) learnt.isSettled ||= !isNew || ++learnt.rounds >= ROUNDS_MAX;
      this.hooks.mayGoOn();
    }
    // A frame may have been completed meanwhile.
    this.lookAt(job, learnt);
  }

  private track(work: Promise<void>): void {
    const tracked = work
      .catch((err: unknown) => {
        // The cut that frames have is as right as any other.
        if (!this.farm.signal.aborted) this.farm.log.warn({ err }, 'frames stay cut as they were');
      })
      .finally(() => this.running.delete(tracked));
    this.running.add(tracked);
  }

  private async learnFromPreview(job: LiveJob, previewJobId: JobId): Promise<void> {
    const learnt = this.of(job);
    if (learnt.isDeciding) return;
    learnt.isDeciding = true;
    try {
      const map = await previewCosts(this.farm, job.record, previewJobId);
      if (map) await this.cutAnew(job, { map, seen: map });
    } finally {
      learnt.isDeciding = false;
      job.isHeld = false;
      this.hooks.mayGoOn();
    }
  }

  /** @returns whether frames to come are cut otherwise now. */
  private async cutAnew(job: LiveJob, costs: KnownCosts): Promise<boolean> {
    const { settings, schedule } = job.record;
    // The result that led here is dealt with first.
    await setImmediate();
    if (job.isEnding || !job.layouts.mayChange || job.frames.notBegun().length === 0) return false;
    const next = nextLayout({
      ...{ ...costs, current: job.layouts.newest, order: schedule.tileOrder },
      slots: Math.max(1, this.hooks.slotsOf(job.jobId) || this.hooks.slotsOfFarm()),
      overheadMs: tileOverheadMs(settings.renderer),
    });
    if (!next) return false;
    const wasHeld = job.isHeld;
    job.isHeld = true;
    try {
      return await this.record(job, next);
    } finally {
      job.isHeld = wasHeld;
    }
  }

  /** From here to its end no frame of the job is begun by the feeder. */
  private async record(job: LiveJob, next: NextLayout): Promise<boolean> {
    const { store, log, events } = this.farm;
    const { jobId, layouts, frames } = job;
    const record = layoutRecord(layouts.newest.id + 1, newPlanId(), next.tiles, frames.notBegun());
    await store.jobs.writeLayouts(jobId, { layouts: [...layouts.stored.layouts, record] });
    const begun = frames.begunOf(record.frames);
    if (begun > 0) {
      await store.jobs.writeLayouts(jobId, layouts.stored);
      log.info({ jobId, frames: begun }, 'new layout given up: frames of it were begun meanwhile');
      return false;
    }
    const before = layouts.newest.count;
    frames.addLayout(record);
    job.changes++;
    const message = `frames that have not begun are cut into ${next.tiles.length} tiles instead of ${before}, by what tiles took; ${durationText(next.makespanMs.before)} for a frame by itself become ${durationText(next.makespanMs.after)}`;
    log.info({ jobId, layout: record.id, tiles: next.tiles.length, reason: message }, 'frames are cut anew');
    void events.publish({ jobId, kind: 'planned', state: job.state, message });
    return true;
  }
}

function durationText(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)}s` : formatDurationMs(Math.round(ms / 1000) * 1000);
}

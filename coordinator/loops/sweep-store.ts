/**
 * Keeps the store clean: what belongs to nobody (recovery/orphans.ts) is removed, once at start and every few minutes.
 * Whatever a submit, an upload or a running job may still want stays: unused files have a grace, and the folder of an
 * ended job is looked at in a turn of that job, so that no retry writes there meanwhile.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type JobId, slug } from '#shared/domain/ids.js';
import type { Farm } from '../farm.js';
import { FORMAT_EXTENSIONS } from '../frames/format-extensions.js';
import {
  type Findings,
  frameOfOutput,
  isOverdue,
  jobOrphans,
  type OrphanKind,
  sharedOrphans,
} from '../recovery/orphans.js';

export interface SweepTimes {
  readonly everyMs: number;
  /** How long what nobody refers to stays after its last use; more than an hour (file-uses.ts). */
  readonly graceMs: number;
}

/** A submit may follow its upload after a night; what is left behind is small beside the frames. */
export const SWEEP_TIMES: SweepTimes = { everyMs: 5 * 60_000, graceMs: 24 * 3_600_000 };

export type SweepCounts = Partial<Record<OrphanKind, number>>;

const EXTENSIONS = Object.values(FORMAT_EXTENSIONS);
/** Files that are none of ours are named once each, so many of them. */
const NAMED_MAX = 100;

export class StoreSweeper {
  private readonly farm: Farm;
  private readonly times: SweepTimes;
  /** Ended jobs that have been looked at since their end: nothing changes there any more. */
  private readonly done = new Set<JobId>();
  private readonly named = new Set<string>();
  private counts: SweepCounts = {};

  constructor(farm: Farm, times: SweepTimes = SWEEP_TIMES) {
    this.farm = farm;
    this.times = times;
  }

  /** Resolves when the farm closes. */
  async run(): Promise<void> {
    const { signal, log } = this.farm;
    while (!signal.aborted) {
      try {
        await this.sweep();
      } catch (err) {
        if (!signal.aborted) log.warn({ err }, 'cleaning the store was interrupted; trying again');
      }
      await delay(this.times.everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** @returns how many files of each kind were removed. */
  async sweep(): Promise<SweepCounts> {
    this.counts = {};
    for (const jobId of this.done) if (this.farm.jobs.liveJob(jobId)) this.done.delete(jobId);
    const unreadable = await this.sweepJobs();
    await this.sweepShared(unreadable);
    if (Object.keys(this.counts).length > 0)
      this.farm.log.info(this.counts, 'orphans removed from the store');
    return this.counts;
  }

  /** @returns job folders whose record could not be read. */
  private async sweepJobs(): Promise<string[]> {
    const { jobs, store, signal } = this.farm;
    const unreadable: string[] = [];
    for (const folder of await store.files.listJobs()) {
      if (signal.aborted) break;
      const name = folder.slice('jobs/'.length, -1);
      if (!folder.endsWith('/')) this.nameForeign([folder]);
      else if (!jobs.has(name)) {
        const paths = await store.files.listJob(folder);
        // A submit may have been recorded meanwhile.
        if (jobs.has(name)) continue;
        if (paths.includes(`${folder}job.json`)) unreadable.push(name);
        await this.clear(jobOrphans(folder, paths, undefined));
      } else if (jobs.liveJob(name)) await this.sweepLive(folder);
      else if (!this.done.has(name as JobId))
        await jobs.turns.take(name as JobId, () => this.sweepEnded(folder, name as JobId));
    }
    return unreadable;
  }

  private async sweepLive(folder: string): Promise<void> {
    const paths = await this.farm.store.files.listJob(folder);
    const job = this.farm.jobs.liveJob(folder.slice('jobs/'.length, -1));
    if (job) await this.clear(jobOrphans(folder, paths, this.outputsOf(job.record.name, false)));
  }

  private async sweepEnded(folder: string, jobId: JobId): Promise<void> {
    const { jobs, store } = this.farm;
    if (jobs.liveJob(jobId)) return;
    const { record, state } = jobs.view(jobId);
    const paths = await store.files.listJob(folder);
    const outputs = this.outputsOf(record.name, true);
    const mayHaveFailed =
      state !== 'finished' &&
      paths.some((path) => frameOfOutput(path.slice(`${folder}frames/`.length), outputs) !== undefined);
    const frames = mayHaveFailed ? await store.jobs.readFrames(jobId) : [];
    const failedFrames = new Set(frames.flatMap(({ state, frame }) => (state === 'failed' ? [frame] : [])));
    await this.clear(jobOrphans(folder, paths, { ...outputs, failedFrames }));
    this.done.add(jobId);
  }

  private outputsOf(jobName: string, hasEnded: boolean) {
    return { baseName: slug(jobName), extensions: EXTENSIONS, hasEnded, failedFrames: new Set<number>() };
  }

  private async sweepShared(unreadable: readonly string[]): Promise<void> {
    const { jobs, store, log } = this.farm;
    const news = unreadable.filter((name) => !this.named.has(name));
    if (news.length > 0) {
      for (const name of news) this.named.add(name);
      log.warn(
        { jobIds: news },
        'job records cannot be read; until they can, or are gone, no blob is removed',
      );
    }
    const paths: string[] = [];
    for await (const path of store.files.listShared()) paths.push(path);
    await this.clear(
      sharedOrphans(paths, unreadable.length > 0 ? undefined : (digest) => jobs.isReferenced(digest)),
    );
  }

  private async clear({ orphans, foreign }: Findings): Promise<void> {
    const { store, clock, log } = this.farm;
    this.nameForeign(foreign);
    for (const orphan of orphans) {
      try {
        const nowMs = clock.nowMs();
        const usedAtMs = await store.files.lastUsedAtMs(orphan.path);
        if (usedAtMs === undefined || !isOverdue(orphan, usedAtMs, nowMs, this.times.graceMs)) continue;
        // A package may have been submitted since the list was made.
        if (orphan.kind === 'blob' && this.farm.jobs.isReferenced(orphan.path.slice(-64))) continue;
        const unusedSinceMs = orphan.kind === 'frame file' ? usedAtMs : nowMs - this.times.graceMs;
        if (!(await store.files.remove(orphan, unusedSinceMs))) continue;
        this.counts[orphan.kind] = (this.counts[orphan.kind] ?? 0) + 1;
        log.debug({ file: orphan.path, kind: orphan.kind }, 'orphan removed');
      } catch (err) {
        log.warn({ file: orphan.path, err }, 'orphan cannot be removed');
      }
    }
  }

  private nameForeign(paths: readonly string[]): void {
    for (const path of paths) {
      if (this.named.has(path) || this.named.size >= NAMED_MAX) continue;
      this.named.add(path);
      this.farm.log.info(
        { file: path },
        'the store holds something that is none of the farm’s; it is left alone',
      );
    }
  }
}

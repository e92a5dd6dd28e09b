/**
 * The one version of its renderer that each job is pinned to. Most jobs get theirs when they are submitted; one for which
 * no node was there waits, is pinned when the first node with its renderer comes, and is assigned to nobody before the pin
 * is fsynced and on the bus. It never changes afterwards. Where nodes are there and none has it, the job is shown as
 * paused.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { JobId } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import type { Farm } from '../farm.js';
import type { LiveJob } from '../jobs/live-job.js';
import {
  commonVersion,
  type RendererNode,
  rendererKey,
  rendererSet,
  whatNodesHave,
} from '../scheduling/renderer-versions.js';
import type { KnownNode } from './nodes.js';
import { withDisk } from './with-disk.js';

const TRY_AGAIN_MS = 5_000;

export interface PinHooks {
  /** Puts the record of a running job on the bus in place of the one that is there. */
  copyRecord(job: LiveJob): Promise<void>;
  /** Nodes may work for other jobs than before. */
  changed(): void;
  /** Whether every node had time to speak. */
  areNodesKnown(): boolean;
}

const WAIT_KEY = 'renderer';
/** Records written at once, when the first node of a renderer comes that many jobs wait for. */
const PINNED_AT_ONCE = 16;

const keys = new WeakMap<JobRecord, string>();

export class RendererPins {
  private readonly farm: Farm;
  private readonly hooks: PinHooks;
  /** Jobs whose pin is decided and not in force yet. */
  private readonly pinning = new Map<JobId, { readonly job: LiveJob; readonly version: string }>();
  /** What is told of jobs that no node has the renderer of. */
  private readonly waiting = new Map<JobId, string>();
  private running: Promise<void> | undefined;

  constructor(farm: Farm, hooks: PinHooks) {
    this.farm = farm;
    this.hooks = hooks;
  }

  /** Whether nodes may be told of a running job: its pin is on disk and on the bus. */
  isPinned(jobId: JobId): boolean {
    return !this.pinning.has(jobId) && this.farm.jobs.liveJob(jobId)?.record.rendererVersion !== undefined;
  }

  /** Key of the renderer that a running job's nodes must have; nothing: that is not decided yet. */
  needsOf(jobId: JobId): string | undefined {
    const decided = this.pinning.get(jobId);
    if (decided) return rendererKey(decided.job.record.settings.renderer, decided.version);
    const record = this.farm.jobs.liveJob(jobId)?.record;
    if (record?.rendererVersion === undefined) return undefined;
    let key = keys.get(record);
    if (key === undefined) {
      key = rendererKey(record.settings.renderer, record.rendererVersion);
      keys.set(record, key);
    }
    return key;
  }

  /** Pins jobs that can be, and tells which ones wait for a node. Called at each change of nodes or jobs. */
  look(nodes: readonly KnownNode[]): void {
    const ready = nodes.filter(({ state }) => state === 'ready').map(toRendererNode);
    const there = nodes.filter(({ state }) => state !== 'lost').map(toRendererNode);
    const announced = new Set<string>();
    for (const { renderers, slots } of there)
      if (slots > 0) for (const key of rendererSet(renderers).keys) announced.add(key);
    const versions = new Map<string, string | undefined>();
    const isKnown = there.length > 0 && this.hooks.areNodesKnown();
    for (const job of this.farm.jobs.liveJobs()) {
      if (job.isEnding || this.pinning.has(job.jobId)) continue;
      const { settings, rendererVersion } = job.record;
      const { renderer, device } = settings;
      if (rendererVersion === undefined) {
        const wanted = device === 'gpu' ? `${renderer} with a GPU` : renderer;
        if (!versions.has(wanted)) versions.set(wanted, commonVersion(renderer, ready, device));
        const version = versions.get(wanted);
        if (version !== undefined) this.pinning.set(job.jobId, { job, version });
        else if (isKnown && ready.length > 0) this.beginWait(job, wanted, there);
      } else {
        const key = this.needsOf(job.jobId)!;
        if (announced.has(key)) this.endWait(job, key);
        else if (isKnown) this.beginWait(job, key, there);
      }
    }
    for (const jobId of this.waiting.keys()) if (!this.farm.jobs.liveJob(jobId)) this.forgetWait(jobId);
    if (this.pinning.size > 0 && !this.running)
      this.running = this.pinAll().finally(() => {
        this.running = undefined;
      });
  }

  /** Resolves when no record is being written. */
  async idle(): Promise<void> {
    await this.running;
  }

  private async pinAll(): Promise<void> {
    while (this.pinning.size > 0 && !this.farm.signal.aborted) {
      const batch = [...this.pinning].slice(0, PINNED_AT_ONCE);
      await Promise.all(
        batch.map(async ([jobId, { job, version }]) => {
          await this.pin(job, version).catch(async (err: unknown) => {
            if (this.farm.signal.aborted) return;
            this.farm.log.error({ jobId, err }, 'version of the renderer not recorded; trying again');
            await delay(TRY_AGAIN_MS, undefined, { signal: this.farm.signal }).catch(() => undefined);
          });
          this.pinning.delete(jobId);
        }),
      );
      if (!this.farm.signal.aborted) this.hooks.changed();
    }
  }

  private async pin(job: LiveJob, rendererVersion: string): Promise<void> {
    const { farm } = this;
    const record: JobRecord = { ...job.record, rendererVersion };
    const isOver = () => job.isEnding || farm.jobs.liveJob(job.jobId) !== job;
    await withDisk(farm, job.jobId, 'the version of its renderer', async () => {
      if (!isOver()) await farm.store.jobs.replace(record);
    });
    if (isOver()) return;
    job.record = record;
    job.changes++;
    farm.log.info({ jobId: job.jobId, renderer: record.settings.renderer, rendererVersion }, 'job pinned');
    await this.hooks.copyRecord(job);
  }

  private beginWait(job: LiveJob, wanted: string, nodes: readonly RendererNode[]): void {
    const has = whatNodesHave(job.record.settings.renderer, nodes);
    const message = `no node has ${wanted}; ${has}; it waits for a node that has it`;
    const before = this.waiting.get(job.jobId);
    if (before === message) return;
    this.waiting.set(job.jobId, message);
    const isFirst = this.farm.jobs.waits.begin(job.jobId, WAIT_KEY, message);
    if (before !== undefined || !isFirst) return;
    this.farm.log.warn({ jobId: job.jobId, reason: message }, 'job waits for a renderer');
    this.tell('paused', job, message);
  }

  private endWait(job: LiveJob, key: string): void {
    if (!this.waiting.has(job.jobId)) return;
    if (this.forgetWait(job.jobId)) this.tell('resumed', job, `a node has ${key}`);
  }

  /** @returns whether the job waits for nothing any more. */
  private forgetWait(jobId: JobId): boolean {
    this.waiting.delete(jobId);
    return this.farm.jobs.waits.end(jobId, WAIT_KEY);
  }

  private tell(kind: 'paused' | 'resumed', { jobId, state }: LiveJob, message: string): void {
    void this.farm.events.publish({ jobId, kind, state, message });
  }
}

const toRendererNode = ({ heartbeat: { slots, renderers } }: KnownNode): RendererNode => ({
  slots,
  renderers,
});

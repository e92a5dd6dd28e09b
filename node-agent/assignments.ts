/**
 * What this node is to work for, as the coordinator writes it into the KV bucket `assignments`; the jobs' records come
 * from the bucket `jobs`. The buckets are the coordinator's: an agent that comes first waits for them. A watch brings
 * changes at once, and a slow look at the same key finds out when the watch has gone silent (a bucket deleted and made
 * again looks to a watch like one in which nothing happens).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { KV, KvEntry } from '@nats-io/kv';
import type { Bus } from '#shared/bus/connect.js';
import { decodeRecordCopy } from '#shared/bus/job-record-copy.js';
import { type Assignment, assignmentSchema, decodeMessage } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { TIMES } from '#shared/limits.js';
import type { Logger } from '#shared/log.js';
import type { JobShare } from './fair-share.js';
import { type Moment, thisMoment } from './moment.js';

const LOOK_EVERY_MS = 3_000;
/** Two looks may fail, each after 1.5 s, before the fence closes. */
const FENCED_LOOK_EVERY_MS = TIMES.licenceFenceMs / 5;
/** The time of one and the same write, as a watch and a look tell it: each is rounded in its own way. */
const CREATED_APART_MS_MAX = 1;
const RETRY_MS = 500;
const FIRST_RECORD_RETRY_MS = 50;
const NO_JOBS: ReadonlySet<JobId> = new Set();

/** What the node is to do with a job. */
export interface AssignedJob {
  readonly record: JobRecord;
  /** Of one that is to be finished: as it was. */
  readonly share: JobShare;
  /** Tiles that render are finished, and nothing else is taken. */
  readonly isFinishing: boolean;
  /** What it renders beyond its slots is to be stopped now. Told once. */
  readonly yields?: boolean;
}

export interface AssignmentsOptions {
  readonly bus: Bus;
  readonly nodeId: NodeId;
  readonly logger: Logger;
  onChange(jobs: ReadonlyMap<JobId, AssignedJob>): void;
  /** The bucket has told what is assigned, and that is applied. @param askedAt when it was asked. */
  onContact(askedAt: Moment): void;
}

export class Assignments implements AsyncDisposable {
  readonly #options: AssignmentsOptions;
  readonly #closing = new AbortController();
  readonly #records = new Map<JobId, JobRecord>();
  readonly #fetching = new Set<JobId>();
  #wanted: ReadonlyMap<JobId, JobShare> = new Map();
  #finishing: ReadonlyMap<JobId, JobShare> = new Map();
  /** The write that was read last; a bucket made anew counts from one again, so its time belongs to it. */
  #last: { readonly revision: number; readonly created: Date; readonly isRefused: boolean } | undefined;
  #complaint = '';
  readonly #following: Promise<void>;

  constructor(options: AssignmentsOptions) {
    this.#options = options;
    this.#following = this.#follow();
  }

  /** Of the write that the node works by; 0: none yet. */
  revision = 0;

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { bus, logger } = this.#options;
    const { signal } = this.#closing;
    const bucket = bus.names.assignmentsBucket;
    while (!signal.aborted) {
      try {
        const kv = await bus.kvm.open(bucket, { bindOnly: true });
        const watch = await kv.watch({ key: this.#options.nodeId });
        if (this.#complaint) logger.info({ bucket }, 'assignments found');
        this.#complaint = '';
        const end = () => watch.stop();
        signal.addEventListener('abort', end);
        if (signal.aborted) end();
        const looking = this.#lookUntilSilent(kv, end);
        try {
          for await (const entry of watch) this.#apply(entry);
        } finally {
          signal.removeEventListener('abort', end);
          await looking.stop();
        }
      } catch (error) {
        this.#complain('waiting for the coordinator to set up the assignments', error);
      }
      await delay(signal.aborted ? 0 : RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Ends the watch when the bucket holds what the watch did not tell, or is gone. */
  #lookUntilSilent(kv: KV, endWatch: () => void): { stop(): Promise<void> } {
    const done = new AbortController();
    const loop = async () => {
      for (let isFirst = true; ; isFirst = false) {
        try {
          const askedAt = thisMoment();
          const entry = await kv.get(this.#options.nodeId);
          // At the start, a look and the watch tell the same.
          if (entry && this.#apply(entry) && !isFirst) endWatch();
          if (this.#isInForce(entry)) this.#options.onContact(askedAt);
        } catch (error) {
          // A server that is away comes back, and the watch with it; a bucket that is not there must be waited for.
          if (/not found/i.test(messageOf(error))) {
            this.#complain('the assignments are gone, waiting for the coordinator', error);
            endWatch();
          }
        }
        await delay(this.#lookEveryMs, undefined, { signal: done.signal, ref: false });
      }
    };
    const running = loop().catch(() => undefined);
    return {
      stop: async () => {
        done.abort();
        await running;
      },
    };
  }

  /**
   * Whether the bucket holds what this node works by. One that was lost or put back to an older state does not: whoever
   * starts on it knows nothing of what this node may do.
   */
  #isInForce(entry: KvEntry | null): boolean {
    const last = this.#last;
    if (!last || !entry) return !last && !entry;
    const apartMs = Math.abs(entry.created.getTime() - last.created.getTime());
    return !last.isRefused && entry.revision === last.revision && apartMs <= CREATED_APART_MS_MAX;
  }

  /** @returns whether it is news. */
  #apply(entry: KvEntry): boolean {
    const last = this.#last;
    // What a look brings may be older than what the watch has told meanwhile; in a bucket made anew, revisions begin again.
    if (last && entry.revision <= last.revision && entry.created <= last.created) return false;
    const { revision, created } = entry;
    this.#last = { revision, created, isRefused: false };
    let assignment: Assignment = { jobs: [] };
    if (entry.operation === 'PUT') {
      try {
        assignment = decodeMessage(assignmentSchema, entry.value, `assignment of ${entry.key}`);
      } catch (error) {
        this.#options.logger.error({ err: error }, 'assignment refused');
        this.#last = { revision, created, isRefused: true };
        return true;
      }
    }
    const before = new Map([...this.#finishing, ...this.#wanted]);
    this.#wanted = new Map(assignment.jobs.map(({ jobId, slots, slotsMax }) => [jobId, { slots, slotsMax }]));
    // A job that this process has never had has nothing to finish here.
    this.#finishing = new Map(
      (assignment.finishing ?? []).flatMap(({ jobId }) => {
        const share = before.get(jobId);
        return share && !this.#wanted.has(jobId) ? [[jobId, share]] : [];
      }),
    );
    for (const jobId of this.#records.keys())
      if (!this.#wanted.has(jobId) && !this.#finishing.has(jobId)) this.#records.delete(jobId);
    this.revision = revision;
    const yielding = new Set(assignment.jobs.flatMap(({ jobId, yields }) => (yields ? [jobId] : [])));
    for (const jobId of this.#wanted.keys()) {
      if (!this.#records.has(jobId) && !this.#fetching.has(jobId)) void this.#fetchRecord(jobId);
    }
    this.#emit(yielding);
    return true;
  }

  async #fetchRecord(jobId: JobId): Promise<void> {
    const { bus, logger } = this.#options;
    const { signal } = this.#closing;
    this.#fetching.add(jobId);
    for (let attempt = 0; this.#wanted.has(jobId) && !signal.aborted; attempt++) {
      try {
        const kv = await bus.kvm.open(bus.names.jobsBucket, { bindOnly: true });
        const entry = await kv.get(jobId);
        if (entry && entry.operation === 'PUT') {
          const record = decodeRecordCopy(entry.value, `record of job ${jobId}`);
          if (record.jobId !== jobId)
            throw new FarmError('MESSAGE_INVALID', `record of job ${jobId}: it is that of ${record.jobId}`);
          if (this.#wanted.has(jobId)) {
            this.#records.set(jobId, record);
            this.#emit();
          }
          break;
        }
        if (attempt === 3) logger.warn({ jobId }, 'job assigned but its record is not there, asking again');
      } catch (error) {
        if (attempt % 20 === 3)
          logger.warn({ jobId, err: error }, 'cannot read the record of a job, asking again');
      }
      const delayMs = Math.min(2_000, FIRST_RECORD_RETRY_MS * 2 ** Math.min(attempt, 8));
      await delay(delayMs, undefined, { signal }).catch(() => undefined);
    }
    this.#fetching.delete(jobId);
  }

  /** @param yielding jobs of which it is told now that they yield. */
  #emit(yielding: ReadonlySet<JobId> = NO_JOBS): void {
    if (this.#closing.signal.aborted) return;
    const assigned = new Map<JobId, AssignedJob>();
    for (const [jobId, record] of this.#records) {
      const [share, past] = [this.#wanted.get(jobId), this.#finishing.get(jobId)];
      if (share) assigned.set(jobId, { record, share, isFinishing: false, yields: yielding.has(jobId) });
      else if (past) assigned.set(jobId, { record, share: past, isFinishing: true });
    }
    this.#options.onChange(assigned);
  }

  /** More often where the right to render depends on it. */
  get #lookEveryMs(): number {
    for (const shares of [this.#wanted, this.#finishing])
      for (const { slotsMax } of shares.values()) if (slotsMax !== undefined) return FENCED_LOOK_EVERY_MS;
    return LOOK_EVERY_MS;
  }

  /** Once per cause: an agent may wait for hours. */
  #complain(phrase: string, error: unknown): void {
    if (this.#closing.signal.aborted || this.#complaint === messageOf(error)) return;
    this.#complaint = messageOf(error);
    this.#options.logger.warn({ reason: messageOf(error) }, phrase);
  }
}

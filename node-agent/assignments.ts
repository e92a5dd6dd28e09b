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
import type { Logger } from '#shared/log.js';

const LOOK_EVERY_MS = 3_000;
const RETRY_MS = 500;
const FIRST_RECORD_RETRY_MS = 50;

export interface AssignmentsOptions {
  readonly bus: Bus;
  readonly nodeId: NodeId;
  readonly logger: Logger;
  onChange(jobs: ReadonlyMap<JobId, JobRecord>): void;
}

export class Assignments implements AsyncDisposable {
  readonly #options: AssignmentsOptions;
  readonly #closing = new AbortController();
  readonly #records = new Map<JobId, JobRecord>();
  readonly #fetching = new Set<JobId>();
  #wanted: ReadonlySet<JobId> = new Set();
  /** Which write was applied last; a bucket made anew counts from one again, so its time belongs to it. */
  #applied = '';
  #complaint = '';
  readonly #following: Promise<void>;

  constructor(options: AssignmentsOptions) {
    this.#options = options;
    this.#following = this.#follow();
  }

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
      for (;;) {
        await delay(LOOK_EVERY_MS, undefined, { signal: done.signal, ref: false });
        try {
          const entry = await kv.get(this.#options.nodeId);
          if (!entry || writeOf(entry) === this.#applied) continue;
          this.#apply(entry);
          endWatch();
        } catch (error) {
          // A server that is away comes back, and the watch with it; a bucket that is not there must be waited for.
          if (!/not found/i.test(messageOf(error))) continue;
          this.#complain('the assignments are gone, waiting for the coordinator', error);
          endWatch();
        }
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

  #apply(entry: KvEntry): void {
    const write = writeOf(entry);
    if (write === this.#applied) return;
    this.#applied = write;
    let assignment: Assignment = { jobs: [] };
    if (entry.operation === 'PUT') {
      try {
        assignment = decodeMessage(assignmentSchema, entry.value, `assignment of ${entry.key}`);
      } catch (error) {
        this.#options.logger.error({ err: error }, 'assignment refused');
        return;
      }
    }
    this.#wanted = new Set(assignment.jobs.map((job) => job.jobId));
    for (const jobId of this.#records.keys()) if (!this.#wanted.has(jobId)) this.#records.delete(jobId);
    for (const jobId of this.#wanted) {
      if (!this.#records.has(jobId) && !this.#fetching.has(jobId)) void this.#fetchRecord(jobId);
    }
    this.#emit();
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

  #emit(): void {
    if (!this.#closing.signal.aborted) this.#options.onChange(new Map(this.#records));
  }

  /** Once per cause: an agent may wait for hours. */
  #complain(phrase: string, error: unknown): void {
    if (this.#closing.signal.aborted || this.#complaint === messageOf(error)) return;
    this.#complaint = messageOf(error);
    this.#options.logger.warn({ reason: messageOf(error) }, phrase);
  }
}

const writeOf = (entry: KvEntry): string => `${entry.revision}@${entry.created.toISOString()}`;

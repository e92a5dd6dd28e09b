/**
 * The tiles that this node holds a lease on, from delivery to acknowledgement. It keeps the slots fed within the bounds
 * of `fair-share.ts`, renews every lease, and hands back what will not be rendered here.
 *
 * A ticket: buffered → rendering → publishing → gone.
 */
import type { JsMsg } from '@nats-io/jetstream';
import type { Bus } from '#shared/bus/connect.js';
import {
  decodeMessage,
  type Hands,
  type Heartbeat,
  type HeldAttempt,
  type TileMessage,
  tileMessageSchema,
} from '#shared/bus/messages.js';
import type { JobId } from '#shared/domain/ids.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS, TIMES } from '#shared/limits.js';
import type { Logger } from '#shared/log.js';
import { nextJob, planPulls, prefetchDepth } from './fair-share.js';
import { JobFeed } from './job-feed.js';

export interface Ticket {
  readonly tile: TileMessage;
  /** The newest delivery of this attempt: a redelivery replaces it. */
  message: JsMsg;
  state: 'buffered' | 'rendering' | 'publishing';
  /** It could start now. */
  isReady: boolean;
  /** What becomes of its message when it is not finished here. */
  ifUnfinished: 'hand back' | 'acknowledge' | 'say nothing';
}

export interface TileSourceOptions {
  readonly bus: Bus;
  readonly slots: number;
  readonly logger: Logger;
  /** Why a tile cannot be one of its job's; nothing when it can. */
  flawOf(tile: TileMessage): string | undefined;
  /** A new tile is at hand. */
  onTicket(ticket: Ticket): void;
  /** A buffered tile was handed back. */
  onDropped(ticket: Ticket): void;
}

interface Job {
  readonly feed: JobFeed;
  /** By attempt. */
  readonly tickets: Map<string, Ticket>;
  /** In order of delivery. */
  readonly buffered: Set<Ticket>;
  ready: number;
  rendering: number;
  servedAt: number;
  /** Time per tile of late; undefined before the first. */
  meanTileMs: number | undefined;
}

/** Weight of the newest tile in the mean. */
const MEAN_WEIGHT = 0.1;

export class TileSource {
  readonly #options: TileSourceOptions;
  readonly #jobs = new Map<JobId, Job>();
  /** Of jobs that left while tiles of theirs are still rendering or publishing. */
  readonly #leaving = new Set<Job>();
  readonly #timer: NodeJS.Timeout;
  #served = 0;
  #refillPlanned = false;
  #isClosed = false;

  constructor(options: TileSourceOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#renewLeases(), TIMES.leaseRenewEveryMs);
    this.#timer.unref();
  }

  /** Starts to pull this job's tiles. */
  openJob(jobId: JobId): void {
    if (this.#isClosed || this.#jobs.has(jobId)) return;
    const { bus, logger } = this.#options;
    const feed: JobFeed = new JobFeed(bus, jobId, logger, {
      onMessage: (message) => this.#arrived(job, message),
      onChange: () => this.#refillSoon(),
    });
    const job: Job = {
      feed,
      tickets: new Map(),
      buffered: new Set(),
      ready: 0,
      rendering: 0,
      servedAt: this.#served,
      meanTileMs: undefined,
    };
    this.#jobs.set(jobId, job);
    this.#refill();
  }

  /** No more tiles of this job; its buffered ones are handed back. */
  closeJob(jobId: JobId): void {
    const job = this.#jobs.get(jobId);
    if (!job) return;
    this.#jobs.delete(jobId);
    job.feed.close();
    for (const ticket of job.buffered) this.#handBack(job, ticket);
    if (job.tickets.size > 0) this.#leaving.add(job);
    this.#refillSoon();
  }

  markReady(ticket: Ticket): void {
    if (ticket.isReady) return;
    ticket.isReady = true;
    const job = this.#jobOf(ticket);
    if (job && ticket.state === 'buffered') job.ready++;
  }

  /** The tile to render next, now `rendering`; undefined when nothing is ready. */
  take(): Ticket | undefined {
    const jobs = [...this.#jobs.values()];
    const job = jobs[nextJob(jobs)];
    if (!job) return undefined;
    for (const ticket of job.buffered) {
      if (!ticket.isReady) continue;
      job.buffered.delete(ticket);
      job.ready--;
      job.rendering++;
      job.servedAt = ++this.#served;
      ticket.state = 'rendering';
      this.#refillSoon();
      return ticket;
    }
    return undefined;
  }

  /** Its slot is free; its result is on the way. @param renderMs undefined when it was not really rendered. */
  rendered(ticket: Ticket, renderMs: number | undefined): void {
    this.#leaveSlot(ticket);
    ticket.state = 'publishing';
    const job = this.#jobOf(ticket);
    if (job && renderMs !== undefined) {
      const mean = job.meanTileMs ?? renderMs;
      job.meanTileMs = mean + MEAN_WEIGHT * (renderMs - mean);
    }
    this.#refillSoon();
  }

  /** Its result is stored: the tile leaves the queue. */
  acknowledge(ticket: Ticket): void {
    this.#forget(ticket);
    ticket.message.ack();
  }

  /** It was not finished here: another node may have it at once. Harmless when its job is gone. */
  handBack(ticket: Ticket): void {
    this.#leaveSlot(ticket);
    this.#forget(ticket);
    letGo(ticket);
  }

  /** Everything here, as heartbeats tell it. */
  inHand(): Pick<Heartbeat, 'inHand' | 'inHandLeftOut'> {
    const inHand: { jobId: JobId; attempts: HeldAttempt[] }[] = [];
    let room: number = LIMITS.heartbeatAttemptsMax;
    let inHandLeftOut = 0;
    for (const job of [...this.#jobs.values(), ...this.#leaving]) {
      const attempts: HeldAttempt[] = [];
      for (const { tile, message } of job.tickets.values()) {
        if (room-- > 0) attempts.push([tile.frame, tile.tile, tile.attempt, message.seq]);
        else inHandLeftOut++;
      }
      if (attempts.length > 0) inHand.push({ jobId: job.feed.jobId, attempts });
    }
    return { inHand, inHandLeftOut };
  }

  /**
   * These are no longer this node's. Buffered ones go at once.
   * @returns those that are rendering: whoever stops them hands them back.
   */
  drop(hands: Hands, ifUnfinished: Ticket['ifUnfinished']): Ticket[] {
    const rendering: Ticket[] = [];
    for (const { jobId, attempts } of hands) {
      const job = this.#jobs.get(jobId);
      for (const [frame, tile, attempt] of job ? attempts : []) {
        const ticket = job?.tickets.get(attemptKey({ frame, tile, attempt }));
        if (!job || !ticket) continue;
        ticket.ifUnfinished = ifUnfinished;
        if (ticket.state === 'rendering') rendering.push(ticket);
        if (ticket.state !== 'buffered') continue;
        if (ticket.isReady) job.ready--;
        this.#handBack(job, ticket);
      }
    }
    if (hands.length > 0) this.#refillSoon();
    return rendering;
  }

  /** Tiles that the slots may hold at once: one each, and half the depth where tiles are so short that they travel together. */
  get renderingMax(): number {
    const { slots } = this.#options;
    return this.#depth > 2 * slots ? this.#depth >> 1 : slots;
  }

  /** Tiles at hand in any state. */
  get size(): number {
    let sum = 0;
    for (const job of [...this.#jobs.values(), ...this.#leaving]) sum += job.tickets.size;
    return sum;
  }

  /** Closes every job; resolves when no pull is out any more, at the latest after `waitMs`. */
  async close(waitMs: number): Promise<void> {
    this.#isClosed = true;
    const feeds = [...this.#jobs.values()].map((job) => job.feed);
    for (const jobId of [...this.#jobs.keys()]) this.closeJob(jobId);
    const timer = setTimeout(() => {
      for (const feed of feeds) feed.stop();
    }, waitMs);
    await Promise.all(feeds.map((feed) => feed.drained()));
    clearTimeout(timer);
  }

  /** Stops renewing leases. */
  dispose(): void {
    clearInterval(this.#timer);
  }

  /** By the job with the longest tiles, and shallow while one is unknown: a node must not hoard what others could do. */
  get #depth(): number {
    let slowestMs: number | undefined = 0;
    for (const { meanTileMs } of this.#jobs.values()) {
      slowestMs =
        slowestMs === undefined || meanTileMs === undefined ? undefined : Math.max(slowestMs, meanTileMs);
    }
    return prefetchDepth(this.#options.slots, this.#jobs.size > 0 ? slowestMs : undefined);
  }

  #arrived(job: Job, message: JsMsg): void {
    let tile: TileMessage;
    try {
      tile = decodeMessage(tileMessageSchema, message.data, `tile message ${message.subject}`);
      // Anybody on the bus can write one; a tile of another job, or larger than the frame, would harm this node.
      const flaw = this.#isAddressed(tile, message)
        ? this.#jobs.get(tile.jobId) === job && this.#options.flawOf(tile)
        : 'its subject names another tile';
      if (flaw) throw new FarmError('MESSAGE_INVALID', `tile message ${message.subject}: ${flaw}`);
    } catch (error) {
      this.#options.logger.error({ jobId: job.feed.jobId, err: error }, 'tile message refused');
      message.term('not a tile message');
      return;
    }
    const key = attemptKey(tile);
    const known = job.tickets.get(key);
    if (known) {
      // The lease ran out (or the server forgot it) while the tile was here: the newest delivery is the one to answer.
      known.message = message;
      known.ifUnfinished = 'hand back';
      return;
    }
    if (this.#jobs.get(job.feed.jobId) !== job) {
      message.nak();
      return;
    }
    const ticket: Ticket = { tile, message, state: 'buffered', isReady: false, ifUnfinished: 'hand back' };
    job.tickets.set(key, ticket);
    job.buffered.add(ticket);
    this.#options.onTicket(ticket);
  }

  #isAddressed(tile: TileMessage, message: JsMsg): boolean {
    return message.subject === this.#options.bus.names.tile(tile);
  }

  #handBack(job: Job, ticket: Ticket): void {
    job.buffered.delete(ticket);
    job.tickets.delete(attemptKey(ticket.tile));
    letGo(ticket);
    this.#options.onDropped(ticket);
  }

  #leaveSlot(ticket: Ticket): void {
    const job = this.#jobOf(ticket);
    if (job && ticket.state === 'rendering') job.rendering--;
  }

  #forget(ticket: Ticket): void {
    const job = this.#jobOf(ticket);
    if (!job) return;
    job.tickets.delete(attemptKey(ticket.tile));
    if (job.tickets.size === 0) this.#leaving.delete(job);
    this.#refillSoon();
  }

  #jobOf(ticket: Ticket): Job | undefined {
    const key = attemptKey(ticket.tile);
    const job = this.#jobs.get(ticket.tile.jobId);
    if (job?.tickets.get(key) === ticket) return job;
    for (const leaving of this.#leaving) if (leaving.tickets.get(key) === ticket) return leaving;
    return undefined;
  }

  /** Once per turn of the event loop: many tiles end in one. */
  #refillSoon(): void {
    if (this.#refillPlanned) return;
    this.#refillPlanned = true;
    queueMicrotask(() => {
      this.#refillPlanned = false;
      this.#refill();
    });
  }

  #refill(): void {
    if (this.#isClosed) return;
    const jobs = [...this.#jobs.values()];
    const loads = jobs.map(({ feed, buffered, rendering }) => ({
      buffered: buffered.size,
      outstanding: feed.outstanding,
      rendering,
      isDry: feed.isDry,
      canPull: feed.canPull,
    }));
    const wants = planPulls(loads, this.#options.slots, this.#depth);
    for (const [index, want] of wants.entries()) if (want > 0) jobs[index]!.feed.pull(want);
  }

  #renewLeases(): void {
    for (const job of [...this.#jobs.values(), ...this.#leaving]) {
      for (const ticket of job.tickets.values()) ticket.message.working();
    }
  }
}

function letGo({ message, ifUnfinished }: Ticket): void {
  if (ifUnfinished === 'hand back') message.nak();
  if (ifUnfinished === 'acknowledge') message.ack();
}

const attemptKey = (tile: Pick<TileMessage, 'frame' | 'tile' | 'attempt'>): string =>
  `${tile.frame}/${tile.tile}/${tile.attempt}`;

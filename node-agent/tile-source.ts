/**
 * The tiles that this node holds a lease on, from delivery to acknowledgement. It keeps the slots fed within the bounds
 * of `fair-share.ts`, renews every lease, and hands back what will not be rendered here.
 */
import type { JsMsg } from '@nats-io/jetstream';
import type { Bus } from '#shared/bus/connect.js';
import type { Hands, Heartbeat, TileMessage } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import type { Logger } from '#shared/log.js';
import { heldParts, type JobShare, nextJob, planPulls } from './fair-share.js';
import { listHands } from './hands.js';
import { JobFeed } from './job-feed.js';
import {
  beyondSlots,
  candidateOf,
  countAtWork,
  depthOf,
  isCapped,
  isFull,
  type JobTiles as Job,
  type JobStanding,
  learn,
  leavesSlots,
  leaveToOthers,
  loadOf,
  mayTry,
  newJobTiles,
  surplus,
  YIELD_MS,
} from './job-tiles.js';
import { attemptKey, letGo, newTicket, readTile, type Ticket, tell } from './ticket.js';

export interface TileSourceOptions {
  readonly bus: Bus;
  readonly nodeId: NodeId;
  readonly slots: number;
  readonly logger: Logger;
  /** Why a tile cannot be one of its job's; nothing when it can. */
  flawOf(tile: TileMessage): string | undefined;
  /** A new tile is at hand. */
  onTicket(ticket: Ticket): void;
  /** A buffered tile was handed back. */
  onDropped(ticket: Ticket): void;
  /** Tiles that were held back may be taken. */
  onReleased(): void;
  /** A thread has begun to render it. */
  hasBegun(ticket: Ticket): boolean;
  /** Somebody is there who judges a node on which everything fails. */
  isJudged(): Promise<boolean>;
  /** Tiles of capped jobs may begin now (licence-fence.ts). */
  mayBeginCapped(): boolean;
  /** The last tile in a slot of a job that was taken away, or is to be finished, has ended. */
  onCleared(): void;
}

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
  openJob(jobId: JobId, share: JobShare): void {
    if (this.#isClosed || this.#jobs.has(jobId)) return;
    const { bus, logger } = this.#options;
    const feed: JobFeed = new JobFeed(bus, jobId, logger, {
      onMessage: (message) => this.#arrived(job, message),
      onChange: () => this.#refillSoon(),
    });
    const job: Job = newJobTiles(feed, share, this.#served);
    this.#jobs.set(jobId, job);
    this.#makeRoom();
    this.#refill();
  }

  /**
   * What the open jobs may have from now on. Those that are not named stay as they are.
   * @returns tiles in slots that have to make room: whoever stops them hands them back.
   */
  setStandings(standings: ReadonlyMap<JobId, JobStanding>): Ticket[] {
    const stopped: Ticket[] = [];
    const isTakeover = [...standings.values()].some(({ yields }) => yields);
    for (const [jobId, job] of this.#jobs) {
      const standing = standings.get(jobId);
      if (!standing) continue;
      job.share = standing.share;
      job.isFinishing = standing.isFinishing;
      if (job.isFinishing) for (const ticket of job.buffered) this.#drop(job, ticket);
      if (isTakeover) job.yieldsUntilMs = performance.now() + YIELD_MS;
      if (standing.yields) stopped.push(...beyondSlots(job, this.#renderingOf(job)));
    }
    this.#makeRoom();
    this.#refillSoon();
    return stopped;
  }

  /** No more tiles of this job; its buffered ones are handed back. */
  closeJob(jobId: JobId): void {
    const job = this.#jobs.get(jobId);
    if (!job) return;
    this.#jobs.delete(jobId);
    job.feed.close();
    for (const ticket of job.buffered) this.#drop(job, ticket);
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
    const jobs = [...this.#jobs.values()].filter((job) => this.#mayTake(job));
    const job = jobs[nextJob(jobs.map((one) => candidateOf(one, this.#renderingOf(one))))];
    if (!job) return undefined;
    for (const ticket of job.buffered) {
      if (!ticket.isReady) continue;
      job.buffered.delete(ticket);
      job.ready--;
      job.rendering++;
      job.servedAt = ++this.#served;
      ticket.state = 'rendering';
      ticket.takenAtMs = performance.now();
      this.#refillSoon();
      return ticket;
    }
    return undefined;
  }

  /** Its slot is free; its result is on the way. */
  rendered(ticket: Ticket, renderMs: number): void {
    const job = this.#leaveSlot(ticket, 'publishing');
    if (job) {
      learn(job, renderMs);
      if (job.brake.isOn) job.feed.resume();
      job.brake.release();
    }
    this.#refillSoon();
  }

  /** Its slot is free; the news of its failure is on the way. @param isNodesFault it might have worked elsewhere. */
  failed(ticket: Ticket, isNodesFault: boolean): void {
    const job = this.#leaveSlot(ticket, 'publishing');
    if (job && isNodesFault) void this.#brake(job, ticket);
    this.#refillSoon();
  }

  /** Its result is stored: the tile leaves the queue. */
  acknowledge(ticket: Ticket): void {
    this.#forget(ticket);
    tell(this.#options.bus, ticket.message, 'done');
  }

  /** It was not finished here: another node may have it at once. Harmless when its job is gone. */
  handBack(ticket: Ticket): void {
    this.#leaveSlot(ticket, 'publishing');
    this.#forget(ticket);
    letGo(this.#options.bus, ticket);
  }

  /** Whatever is here, in any state, goes to others at once. */
  handBackAll(): void {
    for (const job of this.#all()) {
      for (const ticket of job.tickets.values()) letGo(this.#options.bus, ticket);
      job.tickets.clear();
    }
    this.#leaving.clear();
  }

  /** Everything here, as heartbeats tell it. */
  inHand(): Pick<Heartbeat, 'inHand' | 'inHandLeftOut'> {
    const jobs = this.#all().map(({ feed, tickets }) => ({ jobId: feed.jobId, tickets: tickets.values() }));
    return listHands(jobs, this.#options.hasBegun);
  }

  /**
   * These are no longer this node's. Buffered ones go at once.
   * @returns those that are rendering: whoever stops them hands them back.
   */
  drop(hands: Hands, ifUnfinished: Ticket['ifUnfinished']): Ticket[] {
    const rendering: Ticket[] = [];
    const all = this.#all();
    for (const { jobId, attempts } of hands) {
      const jobs = all.filter((job) => job.feed.jobId === jobId);
      for (const [frame, tile, attempt] of attempts) {
        const key = attemptKey({ frame, tile, attempt });
        const job = jobs.find(({ tickets }) => tickets.has(key));
        const ticket = job?.tickets.get(key);
        if (!job || !ticket) continue;
        ticket.ifUnfinished = ifUnfinished;
        if (ticket.state === 'rendering') rendering.push(ticket);
        if (ticket.state !== 'buffered') continue;
        this.#drop(job, ticket);
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

  /** Tiles at hand that are rendering or being published. */
  get atWork(): { readonly rendering: number; readonly publishing: number } {
    return countAtWork(this.#all());
  }

  /** No tile is here, in any state. */
  get isEmpty(): boolean {
    return this.#all().every(({ tickets }) => tickets.size === 0);
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

  get #depth(): number {
    return depthOf([...this.#jobs.values()], this.#options.slots);
  }

  #all(): Job[] {
    return [...this.#jobs.values(), ...this.#leaving];
  }

  #arrived(job: Job, message: JsMsg): void {
    const { bus, logger, nodeId } = this.#options;
    const isOpen = this.#jobs.get(job.feed.jobId) === job;
    let tile: TileMessage;
    try {
      tile = readTile(bus, message, (read) => (isOpen ? this.#options.flawOf(read) : undefined));
    } catch (error) {
      logger.error({ jobId: job.feed.jobId, err: error }, 'tile message refused');
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
    const isRefused = job.isFinishing || isFull(job, this.#renderingOf(job));
    if (!isOpen || isRefused || (job.brake.isOn && !mayTry(job))) {
      tell(bus, message, 'hand back');
      return;
    }
    if (tile.avoid?.includes(nodeId)) {
      tell(bus, message, 'hand back', leaveToOthers(job, key));
      return;
    }
    if (job.avoided.otherCame()) job.feed.resume();
    const ticket = newTicket(tile, message);
    job.tickets.set(key, ticket);
    job.buffered.add(ticket);
    this.#options.onTicket(ticket);
  }

  #mayTake(job: Job): boolean {
    if (job.isHeldBack || job.isFinishing || leavesSlots(job, this.#renderingOf(job))) return false;
    return !isCapped(job) || this.#options.mayBeginCapped();
  }

  /** In slots, with what is there of it since before it left and came back: a cap holds for all of them. */
  #renderingOf(job: Job): number {
    let rendering = job.rendering;
    if (this.#leaving.size === 0) return rendering;
    for (const left of this.#leaving) if (left.feed.jobId === job.feed.jobId) rendering += left.rendering;
    return rendering;
  }

  /** A job that has more at hand than it may have from now on, while others come to their slots, hands the rest back. */
  #makeRoom(): void {
    const jobs = [...this.#jobs.values()].filter((job) => !job.isFinishing);
    const parts = heldParts(
      jobs.map(({ share }) => share),
      this.#depth,
    );
    for (const [index, job] of jobs.entries()) {
      const part = parts[index]!;
      const hasShrunk = part < job.heldPart;
      job.heldPart = part;
      if (!hasShrunk) continue;
      for (const ticket of surplus(job, this.#renderingOf(job), part)) this.#drop(job, ticket);
    }
  }

  /** Attempts of the job failed in a row: unless somebody judges this node, it goes on slowly. */
  async #brake(job: Job, ticket: Ticket): Promise<void> {
    const { logger, isJudged, onReleased } = this.#options;
    const nowMs = performance.now();
    const pauseMs = job.brake.failed(ticket.takenAtMs, nowMs);
    if (pauseMs === undefined || job.isHeldBack) return;
    job.isHeldBack = true;
    const released = await isJudged();
    job.isHeldBack = false;
    if (released) job.brake.release();
    if (job.brake.isOn) {
      const { jobId } = job.feed;
      const tilesHandedBack = job.buffered.size;
      for (const buffered of job.buffered) this.#drop(job, buffered);
      job.feed.hold(pauseMs - (performance.now() - nowMs));
      logger.warn({ jobId, pauseMs, tilesHandedBack }, 'attempts fail in a row, going on slowly');
    }
    this.#refillSoon();
    onReleased();
  }

  #drop(job: Job, ticket: Ticket): void {
    if (ticket.isReady) job.ready--;
    job.buffered.delete(ticket);
    job.tickets.delete(attemptKey(ticket.tile));
    letGo(this.#options.bus, ticket);
    this.#options.onDropped(ticket);
  }

  #leaveSlot(ticket: Ticket, next: Ticket['state']): Job | undefined {
    const job = this.#jobOf(ticket);
    if (job && ticket.state === 'rendering') {
      job.rendering--;
      if (job.rendering === 0 && (job.isFinishing || this.#leaving.has(job))) this.#options.onCleared();
    }
    ticket.state = next;
    return job;
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
    const loads = jobs.map((job) => loadOf(job, this.#renderingOf(job)));
    const wants = planPulls(loads, this.#options.slots, this.#depth);
    for (const [index, want] of wants.entries()) if (want > 0) jobs[index]!.feed.pull(want);
  }

  #renewLeases(): void {
    for (const job of this.#all()) {
      for (const { message } of job.tickets.values()) tell(this.#options.bus, message, 'working');
    }
  }
}

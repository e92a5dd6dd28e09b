/**
 * The right to render what somebody counts: tiles of jobs that a licence or a limit binds (`slotsMax` in the assignment).
 * A token that this node has is given to another one when this node is taken for dead, so a node that cannot be told must
 * stop by itself. Contact is an answer of the bucket of assignments that holds what this node works by, and it counts
 * from when it was asked. After `TIMES.licenceFenceMs` without one, such tiles are aborted and none is begun.
 *
 * What is promised, and what is not:
 * - A tile in a slot's thread is told to stop at the end of that time, heeds it within 100 ms or so, and its thread is ended
 *   2 s later if it does not; a program goes with its thread.
 * - A process that was stopped (SIGSTOP, a machine asleep) and goes on begins nothing before it has compared the clock. Its
 *   threads wake in the same instant, so they go on for one turn of the event loop and the time that it takes to stop.
 * - While only the agent is stopped, not its programs (Blender, POV-Ray), those finish the tile that they have, at most one
 *   each, and nobody can stop them: whoever stops an agent by hand and wants licences kept stops its whole process group.
 *   A machine that sleeps or moves stops them too.
 * - A node id belongs to one agent. Of two that share one by mistake, each renders what the id was given; the coordinator
 *   warns of it.
 */
import { TIMES } from '#shared/limits.js';
import { elapsedMs, type Moment, thisMoment } from './moment.js';

export interface LicenceFenceOptions {
  /** Contact was lost for too long: abort what is counted. */
  onClosed(): void;
  /** There is contact again. */
  onOpened(): void;
  readonly now?: () => Moment;
}

/** Between two comparisons of the clock. */
const LOOK_EVERY_MS = 250;

export class LicenceFence implements Disposable {
  readonly #options: LicenceFenceOptions;
  readonly #now: () => Moment;
  readonly #timer: NodeJS.Timeout;
  /** Absent before the first one. */
  #contactAt: Moment | undefined;
  #isClosed = true;

  /** Closed until the first contact. */
  constructor(options: LicenceFenceOptions) {
    this.#options = options;
    this.#now = options.now ?? thisMoment;
    this.#timer = setInterval(() => this.isOpen(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** @param askedAt when the answer that came now was asked for: what the bus knew then, it may not know any more. */
  contact(askedAt: Moment): void {
    const isNewer = this.#contactAt === undefined || elapsedMs(this.#contactAt, askedAt) > 0;
    if (isNewer) this.#contactAt = askedAt;
    if (!this.isOpen() && this.#isRecent()) {
      this.#isClosed = false;
      this.#options.onOpened();
    }
  }

  /** By the clock, not by what a timer has found: whoever wakes late asks this first. */
  isOpen(): boolean {
    if (!this.#isClosed && !this.#isRecent()) {
      this.#isClosed = true;
      this.#options.onClosed();
    }
    return !this.#isClosed;
  }

  #isRecent(): boolean {
    return this.#contactAt !== undefined && elapsedMs(this.#contactAt, this.#now()) < TIMES.licenceFenceMs;
  }
}

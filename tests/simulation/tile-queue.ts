/**
 * The work queue as JetStream keeps it: one message per subject, delivered in order, what is delivered again first of all;
 * a lease per delivery, which ends by itself. And its vices: messages that go, and messages that come back after a kill
 * of the server and are delivered to nobody.
 */
import type { QueueLook } from '#coordinator/recovery/untold-tiles.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import type { VirtualTime } from './virtual-time.js';

export interface TileMessage {
  readonly jobId: JobId;
  readonly frame: number;
  readonly tile: number;
  readonly attempt: number;
  readonly avoid: readonly NodeId[];
}

export interface QueuedMessage extends TileMessage {
  readonly sequence: number;
  /** `resting`: handed back, and not to be delivered yet. */
  state: 'pending' | 'leased' | 'again' | 'resting' | 'stuck';
  leaseEndsAtMs: number;
  /** Instance of the agent that it was delivered to last. */
  holder: string;
  /** Since when it waits to be delivered again. */
  waitsSinceMs: number;
}

export interface Pull {
  readonly jobId: JobId;
  readonly instanceId: string;
  wanted: number;
  deliver(message: QueuedMessage): void;
}

interface Consumer {
  pending: QueuedMessage[];
  again: QueuedMessage[];
  pulls: Pull[];
  deliveredUpTo: number;
}

/** Acknowledged messages that a killed server may bring back. */
const REMEMBERED = 6;

export class TileQueue {
  private readonly time: VirtualTime;
  private readonly bySequence = new Map<number, QueuedMessage>();
  private readonly bySubject = new Map<string, QueuedMessage>();
  private readonly consumers = new Map<JobId, Consumer>();
  private acknowledged: QueuedMessage[] = [];
  private lastSequence = 0;

  constructor(time: VirtualTime) {
    this.time = time;
  }

  /** @returns its sequence; nothing when its subject is taken. */
  publish(tile: TileMessage): number | undefined {
    const subject = subjectOf(tile);
    if (this.bySubject.has(subject)) return undefined;
    const sequence = ++this.lastSequence;
    const message: QueuedMessage = {
      ...tile,
      sequence,
      state: 'pending',
      leaseEndsAtMs: 0,
      holder: '',
      waitsSinceMs: 0,
    };
    this.bySequence.set(sequence, message);
    this.bySubject.set(subject, message);
    const consumer = this.consumerOf(tile.jobId);
    consumer.pending.push(message);
    this.serve(consumer);
    return sequence;
  }

  pull(pull: Pull): void {
    const consumer = this.consumerOf(pull.jobId);
    consumer.pulls.push(pull);
    this.serve(consumer);
  }

  endPull(pull: Pull): void {
    const consumer = this.consumerOf(pull.jobId);
    consumer.pulls = consumer.pulls.filter((other) => other !== pull);
  }

  /** The connection of an agent is gone, and its pulls with it. */
  endPullsOf(instanceId: string): void {
    for (const consumer of this.consumers.values())
      consumer.pulls = consumer.pulls.filter((pull) => pull.instanceId !== instanceId);
  }

  acknowledge(sequence: number): void {
    const message = this.bySequence.get(sequence);
    if (!message || message.state === 'pending' || message.state === 'stuck') return;
    this.delete(sequence);
    this.acknowledged = [...this.acknowledged, message].slice(-REMEMBERED);
  }

  renew(sequence: number): void {
    const message = this.bySequence.get(sequence);
    if (message?.state === 'leased') message.leaseEndsAtMs = this.time.nowMs + TIMES.leaseMs;
  }

  /** Anybody may do that in the name of whoever has it. */
  handBack(sequence: number, delayMs = 0): void {
    const message = this.bySequence.get(sequence);
    if (message?.state !== 'leased') return;
    message.waitsSinceMs = this.time.nowMs;
    if (delayMs === 0) {
      this.deliverAgain(message);
      return;
    }
    message.state = 'resting';
    this.time.after(delayMs, () => {
      if (message.state === 'resting') this.deliverAgain(message);
    });
  }

  delete(sequence: number): void {
    const message = this.bySequence.get(sequence);
    if (!message) return;
    this.bySequence.delete(sequence);
    this.bySubject.delete(subjectOf(message));
    const consumer = this.consumerOf(message.jobId);
    if (message.state === 'pending') consumer.pending = consumer.pending.filter((other) => other !== message);
    if (message.state === 'again') consumer.again = consumer.again.filter((other) => other !== message);
    message.state = 'stuck';
  }

  /** The job has ended: its messages and its consumer go. */
  purgeJob(jobId: JobId): void {
    for (const message of this.all()) if (message.jobId === jobId) this.delete(message.sequence);
    const pulls = this.consumers.get(jobId)?.pulls ?? [];
    this.consumers.delete(jobId);
    for (const pull of pulls) pull.wanted = 0;
  }

  find(tile: Omit<TileMessage, 'avoid'>): QueuedMessage | undefined {
    return this.bySubject.get(subjectOf(tile));
  }

  all(): QueuedMessage[] {
    return [...this.bySequence.values()];
  }

  look(jobId: JobId): QueueLook {
    const { deliveredUpTo, pulls } = this.consumers.get(jobId) ?? { deliveredUpTo: 0, pulls: [] };
    const leased = this.all().filter(
      ({ jobId: of, state }) => of === jobId && state !== 'pending' && state !== 'stuck',
    );
    const acknowledgedUpTo = leased.reduce(
      (least, { sequence }) => Math.min(least, sequence - 1),
      deliveredUpTo,
    );
    return { deliveredUpTo, leased: leased.length, acknowledgedUpTo, isWaitedFor: pulls.length > 0 };
  }

  /** Nothing to deliver and nothing delivered, whatever the stream holds. */
  isDry(jobId: JobId): boolean {
    return !this.all().some((message) => message.jobId === jobId && message.state !== 'stuck');
  }

  /** A killed server brings back what was acknowledged last, for nobody. */
  bringBack(isWanted: (message: QueuedMessage) => boolean): number {
    let count = 0;
    for (const { jobId, frame, tile, attempt, avoid } of this.acknowledged) {
      const subject = subjectOf({ jobId, frame, tile, attempt });
      const sequence = ++this.lastSequence;
      const message = {
        jobId,
        frame,
        tile,
        attempt,
        avoid,
        sequence,
        leaseEndsAtMs: 0,
        holder: '',
        waitsSinceMs: 0,
      };
      const back: QueuedMessage = { ...message, state: 'stuck' };
      if (this.bySubject.has(subject) || !isWanted(back)) continue;
      this.bySequence.set(sequence, back);
      this.bySubject.set(subject, back);
      count++;
    }
    this.acknowledged = [];
    return count;
  }

  private deliverAgain(message: QueuedMessage): void {
    message.state = 'again';
    const consumer = this.consumerOf(message.jobId);
    consumer.again.push(message);
    this.serve(consumer);
  }

  private serve(consumer: Consumer): void {
    while (consumer.pulls.length > 0) {
      const message = consumer.again.shift() ?? consumer.pending.shift();
      if (!message) return;
      const pull = consumer.pulls[0]!;
      if (--pull.wanted === 0) consumer.pulls.shift();
      consumer.deliveredUpTo = Math.max(consumer.deliveredUpTo, message.sequence);
      message.state = 'leased';
      message.holder = pull.instanceId;
      message.leaseEndsAtMs = this.time.nowMs + TIMES.leaseMs;
      this.watchLease(message);
      pull.deliver(message);
    }
  }

  private watchLease(message: QueuedMessage): void {
    const { holder } = message;
    const look = () => {
      if (message.state !== 'leased' || message.holder !== holder) return;
      const leftMs = message.leaseEndsAtMs - this.time.nowMs;
      if (leftMs > 0) this.time.after(leftMs, look);
      else {
        message.waitsSinceMs = this.time.nowMs;
        this.deliverAgain(message);
      }
    };
    this.time.after(TIMES.leaseMs, look);
  }

  private consumerOf(jobId: JobId): Consumer {
    let consumer = this.consumers.get(jobId);
    if (!consumer) {
      consumer = { pending: [], again: [], pulls: [], deliveredUpTo: 0 };
      this.consumers.set(jobId, consumer);
    }
    return consumer;
  }
}

function subjectOf({ jobId, frame, tile, attempt }: Omit<TileMessage, 'avoid'>): string {
  return `${jobId}.${frame}.${tile}.${attempt}`;
}

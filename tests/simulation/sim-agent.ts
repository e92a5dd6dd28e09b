/**
 * One start of an agent. Which tiles it asks for, which job is next, when it brakes and how it looks past tiles that it is
 * to avoid are the node agent's own functions; the threads, the connection and the clock are the world's.
 */
import { nextJob, planPulls, prefetchDepth } from '#node-agent/fair-share.js';
import { listHands } from '#node-agent/hands.js';
import { PULL_MS } from '#node-agent/job-feed.js';
import { type Ticket as AgentTicket, attemptKey } from '#node-agent/ticket.js';
import type { Heartbeat, HeartbeatAnswer } from '#shared/bus/messages.js';
import type { JobId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import { type Job, newJob, type Ticket } from './agent-job.js';
import { AgentProcess } from './agent-process.js';
import type { NodePlan } from './farm-plan.js';
import type { FarmWorld } from './farm-world.js';
import { renderOutcome, renderTimeMs } from './render-outcome.js';
import type { ResultOutcome } from './result-log.js';
import type { Pull, QueuedMessage } from './tile-queue.js';

const GRACE_MS = 5_000;
const LOOK_EVERY_MS = 3_000;
const RETRY_MS = TIMES.busCallTimeoutMs;

export class SimAgent extends AgentProcess {
  readonly node: NodePlan;
  isDraining = false;
  private readonly jobs = new Map<JobId, Job>();
  private readonly leaving = new Set<Job>();
  private served = 0;

  constructor(world: FarmWorld, node: NodePlan) {
    super(world, world.newInstanceId(node.nodeId));
    this.node = node;
    world.time.after(world.random.between(0, 200), () => {
      this.beat();
      this.applyAssignment();
    });
    world.time.every(TIMES.heartbeatEveryMs, () => this.do(() => this.beat()));
    // What a watch missed (assignments.ts).
    world.time.every(LOOK_EVERY_MS, () => this.do(() => this.isCut || this.applyAssignment()));
    world.time.every(TIMES.leaseRenewEveryMs, () => this.do(() => this.renewLeases()));
  }

  /** What it has in hand, in any state. */
  get tickets(): Ticket[] {
    return this.all().flatMap(({ tickets }) => [...tickets.values()]);
  }

  /** Takes nothing more, finishes what it can, hands the rest back, and leaves. */
  drain(): void {
    this.do(() => {
      this.isDraining = true;
      for (const jobId of [...this.jobs.keys()]) this.closeJob(jobId);
      this.beat();
      this.leaveWhenDone(this.world.time.nowMs + GRACE_MS);
    });
  }

  /** Its assignment has changed. */
  assigned(): void {
    this.receive(() => this.applyAssignment());
  }

  rollCalled(): void {
    this.receive(() => this.later(TIMES.rollCallAnswerMs, () => this.beat()));
  }

  heartbeat(leaving = false): Heartbeat {
    const { node, instanceId } = this;
    const all = this.all();
    const hands = all.map(({ jobId, tickets }) => ({
      jobId,
      tickets: [...tickets.values()] as unknown as AgentTicket[],
    }));
    const rendering = all.reduce((sum, job) => sum + job.rendering, 0);
    return {
      ...{ nodeId: node.nodeId, instanceId, hostName: '', agentVersion: '', startedAtMs: 0, cores: 1 },
      ...{ memoryBytes: 0, memoryUsedBytes: 0, renderers: [], tilesDone: 0 },
      slots: node.slots,
      slotsBusy: Math.min(rendering, node.slots),
      jobIds: all.map(({ jobId }) => jobId),
      ...listHands(hands, ({ state }) => state === 'rendering'),
      ...(this.isDraining ? { draining: true } : {}),
      leaving,
    };
  }

  private beat(leaving = false): void {
    const { world } = this;
    const heartbeat = this.heartbeat(leaving);
    if (!world.isCalm && world.random.chance(world.plan.heartbeatLoss)) return;
    if (this.isCut) return;
    world.time.after(world.latencyMs(), () =>
      world.coordinator?.hear(heartbeat, (answer) => this.receive(() => this.drop(answer))),
    );
  }

  private applyAssignment(): void {
    if (this.isDraining || !this.isAlive) return;
    const assigned = this.world.assignments.get(this.node.nodeId)?.jobs ?? [];
    const wanted = new Map(assigned.map(({ jobId, slots, slotsMax }) => [jobId, { slots, slotsMax }]));
    for (const [jobId, job] of [...this.jobs]) {
      if (wanted.has(jobId)) continue;
      this.closeJob(jobId);
      for (const ticket of job.tickets.values()) if (ticket.state === 'rendering') this.cancel(job, ticket);
    }
    for (const [jobId, share] of wanted) {
      const job = this.jobs.get(jobId) ?? newJob(jobId, this.served);
      job.share = share;
      this.jobs.set(jobId, job);
    }
    this.refill();
  }

  private closeJob(jobId: JobId): void {
    const job = this.jobs.get(jobId)!;
    this.jobs.delete(jobId);
    for (const ticket of [...job.tickets.values()]) if (ticket.state === 'buffered') this.letGo(job, ticket);
    if (job.tickets.size > 0) this.leaving.add(job);
  }

  private refill(): void {
    const { world, node } = this;
    if (this.isDraining) return;
    const jobs = [...this.jobs.values()];
    const loads = jobs.map((job) => ({
      ...job.share,
      buffered: [...job.tickets.values()].filter(({ state }) => state === 'buffered').length,
      outstanding: job.outstanding,
      askedAtMs: job.askedAtMs,
      rendering: job.rendering,
      isDry: job.isDry || job.brake.isOn || job.avoided.isOn,
      canPull: job.heldUntilMs <= world.time.nowMs && (!job.brake.isOn || job.tickets.size === 0),
    }));
    const means = jobs.map(({ meanTileMs }) => meanTileMs);
    const slowestMs = means.includes(undefined) ? undefined : Math.max(0, ...(means as number[]));
    const wants = planPulls(
      loads,
      node.slots,
      prefetchDepth(node.slots, jobs.length > 0 ? slowestMs : undefined),
    );
    for (const [index, want] of wants.entries()) if (want > 0) this.pull(jobs[index]!, want);
  }

  private pull(job: Job, count: number): void {
    const { world, instanceId } = this;
    let missing = count;
    let isOver = false;
    job.outstanding += count;
    job.askedAtMs = world.time.nowMs;
    const pull: Pull = {
      jobId: job.jobId,
      instanceId,
      wanted: count,
      deliver: (message) => {
        const { sequence } = message;
        this.receive(() => {
          if (missing > 0 && !isOver) job.outstanding--;
          missing--;
          job.isDry = false;
          this.arrived(job, message, sequence);
          if (missing === 0) end();
        });
      },
    };
    const end = () => {
      if (isOver) return;
      isOver = true;
      world.queue.endPull(pull);
      job.outstanding -= Math.max(0, missing);
      if (missing === count) job.isDry = true;
      this.refill();
    };
    this.send(() => {
      if (!this.isAlive || isOver) return;
      world.queue.pull(pull);
      // The server's own clock: a suspended agent's pull ends as well.
      world.time.after(PULL_MS, () => world.queue.endPull(pull));
    });
    this.later(PULL_MS, end);
  }

  private arrived(job: Job, tile: QueuedMessage, sequence: number): void {
    const { world, node } = this;
    const key = attemptKey(tile);
    const known = job.tickets.get(key);
    if (known) {
      known.message = { seq: sequence };
      known.ifUnfinished = 'hand back';
      return;
    }
    const mayTry = !job.brake.isOn || (job.heldUntilMs <= world.time.nowMs && job.tickets.size === 0);
    if (this.jobs.get(job.jobId) !== job || !mayTry) {
      this.tell(() => world.queue.handBack(sequence));
      return;
    }
    if (tile.avoid.includes(node.nodeId)) {
      const { returnAfterMs, pauseMs } = job.avoided.came(key, job.outstanding > 0, world.time.nowMs);
      this.hold(job, pauseMs);
      this.tell(() => world.queue.handBack(sequence, returnAfterMs));
      return;
    }
    if (job.avoided.otherCame()) job.heldUntilMs = world.time.nowMs;
    const { jobId, frame, attempt, avoid } = tile;
    job.tickets.set(key, {
      tile: { jobId, frame, tile: tile.tile, attempt, avoid },
      message: { seq: sequence },
      ...{ state: 'buffered', takenAtMs: 0, ifUnfinished: 'hand back', isCancelled: false },
    });
    this.pump();
  }

  private hold(job: Job, pauseMs: number): void {
    const untilMs = this.world.time.nowMs + pauseMs;
    if (pauseMs <= 0 || untilMs <= job.heldUntilMs) return;
    job.heldUntilMs = untilMs;
    this.later(pauseMs, () => this.refill());
  }

  private pump(): void {
    for (;;) {
      const all = [...this.jobs.values()];
      const rendering = this.all().reduce((sum, job) => sum + job.rendering, 0);
      if (rendering >= this.node.slots) break;
      const readyOf = (job: Job) => [...job.tickets.values()].filter(({ state }) => state === 'buffered');
      const loads = all.map((job) => ({
        ...job.share,
        ready: readyOf(job).length,
        rendering: job.rendering,
        servedAt: job.servedAt,
      }));
      const job = all[nextJob(loads)];
      if (!job) break;
      this.render(job, readyOf(job)[0]!);
    }
    this.refill();
  }

  private render(job: Job, ticket: Ticket): void {
    const { world, node } = this;
    ticket.state = 'rendering';
    ticket.takenAtMs = world.time.nowMs;
    job.rendering++;
    job.servedAt = ++this.served;
    world.audit.renderBegins(node, ticket.tile, ticket.message.seq);
    const takesMs = renderTimeMs(world, node, ticket.tile);
    if (world.jobs.get(job.jobId)!.plan.poison.get(`${ticket.tile.frame}/${ticket.tile.tile}`) === 'kills') {
      this.later(takesMs / 2, () => {
        if (!ticket.isCancelled) world.audit.tileKills(this, ticket.tile);
      });
      return;
    }
    this.later(takesMs, () => {
      if (!ticket.isCancelled) this.rendered(job, ticket, renderOutcome(world, node, ticket.tile), takesMs);
    });
  }

  private rendered(job: Job, ticket: Ticket, outcome: ResultOutcome, renderMs: number): void {
    const { world } = this;
    ticket.state = 'publishing';
    job.rendering--;
    if (outcome.kind === 'rendered') {
      job.meanTileMs =
        job.meanTileMs === undefined ? renderMs : job.meanTileMs + 0.1 * (renderMs - job.meanTileMs);
      job.brake.release();
    } else if (!outcome.permanent) this.brake(job, ticket);
    this.publish(ticket, outcome, renderMs, () => {
      job.tickets.delete(attemptKey(ticket.tile));
      if (job.tickets.size === 0) this.leaving.delete(job);
      this.tell(() => world.queue.acknowledge(ticket.message.seq));
      this.refill();
    });
    this.pump();
  }

  private brake(job: Job, ticket: Ticket): void {
    const { world } = this;
    const pauseMs = job.brake.failed(ticket.takenAtMs, world.time.nowMs);
    if (pauseMs === undefined) return;
    // Somebody who judges is there.
    if (world.coordinator && !this.isCut) job.brake.release();
    if (!job.brake.isOn) return;
    for (const other of [...job.tickets.values()]) if (other.state === 'buffered') this.letGo(job, other);
    this.hold(job, pauseMs);
  }

  /** Again and again under the same id, until the stream has answered. */
  private publish(ticket: Ticket, outcome: ResultOutcome, renderMs: number, stored: () => void): void {
    const { world, node } = this;
    const { jobId, frame, tile, attempt } = ticket.tile;
    const id = `${jobId}.${frame}.${tile}.${attempt}.${node.nodeId}`;
    let isStored = false;
    const tryOnce = () => {
      if (isStored) return;
      this.send(() => {
        const result = {
          jobId,
          frame,
          tile,
          attempt,
          nodeId: node.nodeId,
          renderMs,
          outcome,
          atMs: world.time.nowMs,
        };
        world.results.append(id, result);
        if (world.meetsTrouble()) world.results.append(`${id}.again`, result);
        this.receive(() => {
          if (!isStored) stored();
          isStored = true;
        });
      });
      this.later(RETRY_MS, tryOnce);
    };
    tryOnce();
  }

  private drop({ over, taken }: HeartbeatAnswer): void {
    for (const [hands, ifUnfinished] of [
      [over, 'acknowledge'],
      [taken, 'say nothing'],
    ] as const)
      for (const { jobId, attempts } of hands)
        for (const [frame, tile, attempt] of attempts)
          for (const job of this.all().filter((one) => one.jobId === jobId)) {
            const ticket = job.tickets.get(attemptKey({ frame, tile, attempt }));
            if (!ticket) continue;
            ticket.ifUnfinished = ifUnfinished;
            if (ticket.state === 'rendering') this.cancel(job, ticket);
            else if (ticket.state === 'buffered') this.letGo(job, ticket);
          }
    this.pump();
  }

  private cancel(job: Job, ticket: Ticket): void {
    if (ticket.isCancelled) return;
    ticket.isCancelled = true;
    this.later(this.world.random.between(1, 100), () => {
      job.rendering--;
      ticket.state = 'publishing';
      this.letGo(job, ticket);
      this.pump();
    });
  }

  private letGo(job: Job, ticket: Ticket): void {
    const { queue } = this.world;
    job.tickets.delete(attemptKey(ticket.tile));
    if (job.tickets.size === 0) this.leaving.delete(job);
    const { seq } = ticket.message;
    if (ticket.ifUnfinished === 'hand back') this.tell(() => queue.handBack(seq));
    if (ticket.ifUnfinished === 'acknowledge') this.tell(() => queue.acknowledge(seq));
  }

  private leaveWhenDone(untilMs: number): void {
    const isOver = this.world.time.nowMs >= untilMs;
    if (this.tickets.length > 0 && !isOver) {
      this.later(50, () => this.leaveWhenDone(untilMs));
      return;
    }
    for (const job of this.all()) for (const ticket of [...job.tickets.values()]) this.letGo(job, ticket);
    this.beat(true);
    this.world.note(() => `${this.instanceId} leaves`);
    this.kill();
  }

  private renewLeases(): void {
    const { queue } = this.world;
    for (const { message } of this.tickets) this.tell(() => queue.renew(message.seq));
  }

  private all(): Job[] {
    return [...this.jobs.values(), ...this.leaving];
  }
}

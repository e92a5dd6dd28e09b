/** A coordinator as far as licences are concerned: loops/assign.ts without a bus, one write of a node after the other. */

import { textOf } from '#coordinator/loops/written-assignments.js';
import { FENCED_AFTER_MS, LicenceGate } from '#coordinator/scheduling/licence-gate.js';
import { isFinishingOver, type NodeBefore, nextAssignment } from '#coordinator/scheduling/next-assignment.js';
import type { Assignment, Heartbeat } from '#shared/bus/messages.js';
import type { JobId, NodeId, PlanId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import { type LicenceBus, licencesOf, NODES } from '#tests/simulation/licence-bus.js';

const CHECK_EVERY_MS = 250;
const LATE_CHECK_MS = 1_000;
const RECONCILE_EVERY_MS = 5_000;
const AGENT_LOOKS_MS = 4_000;
const PLAN = 'plan' as PlanId;

export class LicenceCoordinator {
  readonly gate = new LicenceGate(licencesOf);
  private readonly world: LicenceBus;
  private readonly written = new Map<NodeId, NodeBefore>();
  private readonly heartbeats = new Map<NodeId, Heartbeat>();
  private readonly due = new Set<NodeId>();
  private readonly forced = new Set<NodeId>();
  private readonly silent = new Set<NodeId>();
  private readonly writing = new Set<NodeId>();
  private readonly openAtMs: number;
  private lastRevision: number;
  private listeningSinceMs: number;
  private checkedAtMs: number;
  private trustedFromMs = 0;
  private isAlive = true;

  constructor(world: LicenceBus) {
    this.world = world;
    const { nowMs } = world.time;
    this.checkedAtMs = nowMs;
    this.listeningSinceMs = nowMs;
    this.lastRevision = world.sequence;
    this.gate.setPolicy(world.policy);
    for (const [nodeId, { assignment, revision }] of world.bucket) {
      this.written.set(nodeId, { assignment, revision });
      const { jobs, unconfirmed = [], finishing } = assignment;
      const allowed = jobs.map(({ jobId, slots, slotsMax }) => ({ jobId, slots: slotsMax ?? slots }));
      this.gate.adopt(nodeId, { allowed, unconfirmed, finishing }, revision, nowMs);
    }
    this.openAtMs = nowMs + (world.bucket.size > 0 ? TIMES.nodeLostAfterMs : FENCED_AFTER_MS);
    this.gate.closeUntil(this.openAtMs);
    for (const nodeId of NODES) this.due.add(nodeId);
    this.every(CHECK_EVERY_MS, () => this.check());
    this.every(RECONCILE_EVERY_MS, () => this.reconcile());
    this.every(50, () => this.round());
  }

  kill(): void {
    this.isAlive = false;
  }

  policyChanged(): void {
    this.gate.setPolicy(this.world.policy);
    this.lookAt(NODES);
  }

  lookAt(nodeIds: Iterable<NodeId>): void {
    for (const nodeId of nodeIds) this.due.add(nodeId);
  }

  heard(heartbeat: Heartbeat): void {
    const { nodeId, assignmentRevision = 0 } = heartbeat;
    if (heartbeat.leaving) {
      this.heartbeats.delete(nodeId);
      this.gate.left(nodeId);
      return;
    }
    this.heartbeats.set(nodeId, heartbeat);
    if (this.gate.heard(heartbeat, this.world.time.nowMs)) this.lookAt(NODES);
    const written = this.written.get(nodeId);
    const isLate = this.writing.size > 0 || this.world.time.nowMs < this.trustedFromMs;
    if (!isLate && assignmentRevision > (written?.revision ?? 0)) this.forced.add(nodeId);
    if (this.forced.has(nodeId) || (written && isFinishingOver(written, heartbeat))) this.due.add(nodeId);
    if (this.silent.delete(nodeId)) this.due.add(nodeId);
  }

  private every(periodMs: number, run: () => void): void {
    this.world.time.every(periodMs, () => {
      if (this.isAlive) run();
      return this.isAlive;
    });
  }

  private check(): void {
    const { world } = this;
    const { nowMs } = world.time;
    if (!world.isServerUp) return;
    if (nowMs - this.checkedAtMs > LATE_CHECK_MS) this.listeningSinceMs = nowMs;
    this.checkedAtMs = nowMs;
    const { take, isFreed } = this.gate.check(nowMs, this.listeningSinceMs);
    for (const nodeId of take) {
      if (this.silent.has(nodeId)) continue;
      this.silent.add(nodeId);
      this.due.add(nodeId);
    }
    if (isFreed || nowMs - CHECK_EVERY_MS < this.openAtMs) this.lookAt(NODES);
    if (nowMs >= this.openAtMs) world.settle(this.gate.inUse());
  }

  private reconcile(): void {
    if (!this.world.isServerUp || this.writing.size > 0 || this.world.sequence === this.lastRevision) return;
    this.lastRevision = this.world.sequence;
    this.trustedFromMs = this.world.time.nowMs + AGENT_LOOKS_MS;
    for (const nodeId of this.written.keys()) this.forced.add(nodeId);
    this.lookAt(NODES);
  }

  private round(): void {
    if (!this.world.isServerUp) return;
    for (const nodeId of this.due) {
      if (this.writing.has(nodeId)) continue;
      this.due.delete(nodeId);
      const next = this.nextOf(nodeId);
      if (next) this.write(nodeId, next);
    }
  }

  private write(nodeId: NodeId, next: Assignment): void {
    this.writing.add(nodeId);
    this.world.put(nodeId, next, (revision) => {
      if (!this.isAlive) return;
      if (revision === undefined) {
        this.write(nodeId, next);
        return;
      }
      this.writing.delete(nodeId);
      this.lastRevision = Math.max(this.lastRevision, revision);
      this.written.set(nodeId, { assignment: next, revision });
      this.gate.written(nodeId, revision, this.world.time.nowMs, this.trustedFromMs);
    });
  }

  private nextOf(nodeId: NodeId): Assignment | undefined {
    const { world } = this;
    const { nowMs } = world.time;
    const before = this.written.get(nodeId);
    const isTaken = this.silent.has(nodeId);
    const wanted = [...(isTaken ? [] : world.wanted.get(nodeId)!)]
      .filter(([jobId]) => !world.ended.has(jobId))
      .map(([jobId, slots]) => ({ jobId, slots, planId: PLAN }));
    const permitted = this.gate.permit(nodeId, wanted, nowMs);
    const given = wanted.map((one, index) => ({
      ...one,
      slots: permitted[index]!,
      slotsMax: permitted[index]!,
    }));
    const isOver = (jobId: JobId) => isTaken || world.ended.has(jobId);
    const next = nextAssignment({ before, wanted: given, heartbeat: this.heartbeats.get(nodeId), isOver });
    const isForced = this.forced.delete(nodeId);
    if (before && textOf(before.assignment) === textOf(next) && !isForced) return undefined;
    if (!before && next.jobs.length === 0 && !isForced && !isTaken) return undefined;
    const gated = next.jobs.map(({ jobId, slots, slotsMax }) => ({ jobId, slots: slotsMax ?? slots }));
    this.gate.writing(nodeId, gated, nowMs, next.finishing);
    const unconfirmed = this.gate.unconfirmedOf(nodeId, gated);
    return unconfirmed.length > 0 ? { ...next, unconfirmed: [...unconfirmed] } : next;
  }
}

/**
 * A bus, some nodes and a coordinator under whatever may happen to them: messages are late or lost, connections are cut,
 * processes are killed and started again, the bucket of assignments is lost. After each event the renders that need a
 * licence are counted.
 */

import type { LicencePolicy } from '#coordinator/scheduling/farm-model.js';
import type { Assignment, Heartbeat } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { LicenceAgent } from '#tests/simulation/licence-agent.js';
import { JOBS, type LicenceBus, licencesOf, NODES, type StoredWrite } from '#tests/simulation/licence-bus.js';
import { LicenceCoordinator } from '#tests/simulation/licence-coordinator.js';
import { Random } from '#tests/simulation/random.js';
import { VirtualTime } from '#tests/simulation/virtual-time.js';

const LATE_MS_MAX = 700;
const LOST_RATIO = 0.03;
/** A supervisor takes a moment. */
const RESTART_MS_MIN = 1_000;

export class LicenceWorld implements LicenceBus {
  readonly time = new VirtualTime();
  readonly random: Random;
  readonly agents = new Map<NodeId, LicenceAgent>();
  readonly bucket = new Map<NodeId, StoredWrite>();
  readonly ended = new Set<JobId>();
  /** What the allocator would give, licences left aside. */
  readonly wanted = new Map<NodeId, Map<JobId, number>>(NODES.map((nodeId) => [nodeId, new Map()]));
  readonly policy: Map<string, LicencePolicy>;
  sequence = 0;
  coordinator: LicenceCoordinator | undefined;
  isServerUp = true;
  /** The most that may be in use: fewer tokens come true when tiles have ended. */
  private readonly ceilings: Map<string, number>;
  private readonly cut = new Set<NodeId>();

  constructor(seed: number, per: LicencePolicy['per'], total: number) {
    this.random = new Random(seed);
    this.policy = new Map(['nuke', 'vray'].map((licence) => [licence, { total, per }]));
    this.ceilings = new Map([...this.policy.keys()].map((licence) => [licence, total]));
    for (const nodeId of NODES) this.agents.set(nodeId, new LicenceAgent(this, nodeId, 'here'));
    this.coordinator = new LicenceCoordinator(this);
  }

  /** @throws where more is in use than there is. */
  run(forMs: number): void {
    const untilMs = this.time.nowMs + forMs;
    while (this.time.step(untilMs)) this.check();
    this.time.nowMs = untilMs;
  }

  isReached(nodeId: NodeId): boolean {
    return this.isServerUp && !this.cut.has(nodeId);
  }

  setCut(nodeId: NodeId, isCut: boolean): void {
    if (isCut) this.cut.add(nodeId);
    else this.cut.delete(nodeId);
  }

  restart(nodeId: NodeId, hostName: string): void {
    if (this.agents.get(nodeId)?.isAlive) return;
    this.agents.set(nodeId, new LicenceAgent(this, nodeId, hostName));
  }

  killCoordinator(): void {
    this.coordinator?.kill();
    this.coordinator = undefined;
    this.time.after(RESTART_MS_MIN + this.random.between(0, 20_000), () => this.startCoordinator());
  }

  startCoordinator(): void {
    if (this.coordinator) return;
    if (this.isServerUp) this.coordinator = new LicenceCoordinator(this);
    else this.time.after(RESTART_MS_MIN, () => this.startCoordinator());
  }

  stopServer(forMs: number): void {
    this.isServerUp = false;
    this.time.after(forMs, () => {
      this.isServerUp = true;
    });
  }

  loseBucket(): void {
    this.bucket.clear();
    this.sequence = 0;
  }

  setTotal(licence: string, total: number): void {
    this.policy.set(licence, { ...this.policy.get(licence)!, total });
    this.ceilings.set(licence, Math.max(total, this.ceilings.get(licence)!));
    this.coordinator?.policyChanged();
  }

  /** An agent's question to the bucket. No answer where something is in between. */
  ask(nodeId: NodeId, answered: (write: StoredWrite | undefined) => void): void {
    this.carry(nodeId, () => {
      const write = this.bucket.get(nodeId);
      this.carry(nodeId, () => answered(write));
    });
  }

  say(heartbeat: Heartbeat, lateMs: number): void {
    if (!this.isReached(heartbeat.nodeId) || this.random.chance(LOST_RATIO)) return;
    this.time.after(lateMs, () => this.isServerUp && this.coordinator?.heard(heartbeat));
  }

  /** A coordinator's write: it arrives even if that is killed meanwhile. @param done nothing: it was lost on its way. */
  put(nodeId: NodeId, assignment: Assignment, done: (revision: number | undefined) => void): void {
    this.time.after(this.random.between(1, LATE_MS_MAX), () => {
      if (!this.isServerUp) {
        done(undefined);
        return;
      }
      const write = { assignment, revision: ++this.sequence, createdMs: this.time.nowMs };
      this.bucket.set(nodeId, write);
      this.carry(nodeId, () => this.agents.get(nodeId)?.apply(write));
      const isLost = this.random.chance(LOST_RATIO);
      this.time.after(this.random.between(1, LATE_MS_MAX), () =>
        done(isLost || !this.isServerUp ? undefined : write.revision),
      );
    });
  }

  /** Called while the coordinator knows all that is held. */
  settle(inUse: ReadonlyMap<string, number>): void {
    for (const [licence, { total }] of this.policy)
      if ((inUse.get(licence) ?? 0) <= total) this.ceilings.set(licence, total);
  }

  private carry(nodeId: NodeId, arrive: () => void): void {
    if (!this.isReached(nodeId)) return;
    this.time.after(this.random.between(1, LATE_MS_MAX), () => {
      if (this.isReached(nodeId)) arrive();
    });
  }

  private check(): void {
    for (const [licence, { per }] of this.policy) {
      let inUse = 0;
      for (const agent of this.agents.values()) {
        let tiles = 0;
        for (const jobId of JOBS) if (licencesOf(jobId).includes(licence)) tiles += agent.renders(jobId);
        inUse += per === 'slot' ? tiles : Math.min(1, tiles);
      }
      const ceiling = this.ceilings.get(licence)!;
      if (inUse > ceiling)
        throw new Error(
          `${inUse} of ${ceiling} tokens of ${licence} in use at ${this.time.nowMs.toFixed()} ms`,
        );
    }
  }
}

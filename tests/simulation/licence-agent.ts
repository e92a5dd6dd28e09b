/** An agent as far as licences are concerned: what it was told, what it renders, and the fence that is its own. */

import { LicenceFence } from '#node-agent/licence-fence.js';
import type { Moment } from '#node-agent/moment.js';
import type { Heartbeat } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { AssignedShare, LicenceBus, StoredWrite } from '#tests/simulation/licence-bus.js';

const LOOK_EVERY_MS = 2_000;
const BEAT_EVERY_MS = 1_000;
const FENCE_EVERY_MS = 250;
const BEGIN_EVERY_MS = 150;
/** A deaf thread is ended two seconds after it was told to stop, and that is looked at twice a second. */
const STOPS_MS_MAX = 2_600;
const TILE_MS_MAX = 20_000;

interface SimTile {
  readonly jobId: JobId;
  isStopping: boolean;
}

export class LicenceAgent {
  readonly nodeId: NodeId;
  readonly instanceId: string;
  readonly startedAtMs: number;
  private readonly world: LicenceBus;
  private readonly hostName: string;
  private readonly fence: LicenceFence;
  private readonly tiles = new Set<SimTile>();
  private wanted: ReadonlyMap<JobId, number> = new Map();
  private finishing: ReadonlySet<JobId> = new Set();
  private last: { readonly revision: number; readonly createdMs: number } | undefined;
  private saidAtMs = 0;
  isAlive = true;

  constructor(world: LicenceBus, nodeId: NodeId, hostName: string) {
    this.world = world;
    this.nodeId = nodeId;
    this.hostName = hostName;
    this.instanceId = `${hostName}-${world.time.count}`;
    this.startedAtMs = world.time.nowMs;
    const now = (): Moment => ({ monotonicMs: world.time.nowMs, uptimeMs: world.time.nowMs });
    this.fence = new LicenceFence({
      onClosed: () => this.stopAll(() => true),
      onOpened: () => this.begin(),
      now,
    });
    this.every(BEAT_EVERY_MS, () => this.beat());
    this.beat();
    this.every(LOOK_EVERY_MS, () => this.look());
    this.look();
    this.every(FENCE_EVERY_MS, () => this.fence.isOpen());
    this.every(BEGIN_EVERY_MS, () => this.begin());
  }

  /** SIGKILL: threads and programs go with it. */
  kill(): void {
    this.isAlive = false;
    this.fence[Symbol.dispose]();
    this.tiles.clear();
  }

  /** An orderly end, with nothing in hand any more. */
  leave(): void {
    this.kill();
    this.world.say(this.heartbeat(true), this.nextSayMs());
  }

  renders(jobId: JobId): number {
    let count = 0;
    for (const tile of this.tiles) if (tile.jobId === jobId) count++;
    return count;
  }

  /** What a watch has told, or a look. */
  apply({ assignment, revision, createdMs }: StoredWrite): void {
    const { last } = this;
    if (!this.isAlive || (last && revision <= last.revision && createdMs <= last.createdMs)) return;
    this.last = { revision, createdMs };
    const before = new Set([...this.wanted.keys(), ...this.finishing]);
    this.wanted = new Map(
      assignment.jobs.map((job: AssignedShare) => [job.jobId, job.slotsMax ?? job.slots]),
    );
    this.finishing = new Set(
      (assignment.finishing ?? []).map(({ jobId }) => jobId).filter((jobId) => before.has(jobId)),
    );
    this.stopAll((jobId) => !this.wanted.has(jobId) && !this.finishing.has(jobId));
    this.beatSoon();
  }

  private every(periodMs: number, run: () => void): void {
    this.world.time.every(periodMs, () => {
      if (this.isAlive) run();
      return this.isAlive;
    });
  }

  private look(): void {
    const { world, nodeId } = this;
    const askedAtMs = world.time.nowMs;
    world.ask(nodeId, (write) => {
      if (!this.isAlive) return;
      if (write) this.apply(write);
      const isInForce = write
        ? this.last?.revision === write.revision && this.last.createdMs === write.createdMs
        : this.last === undefined;
      if (isInForce) this.fence.contact({ monotonicMs: askedAtMs, uptimeMs: askedAtMs });
    });
  }

  private begin(): void {
    const { random, time } = this.world;
    for (const [jobId, slotsMax] of this.wanted) {
      if (!this.fence.isOpen() || this.renders(jobId) >= slotsMax || random.chance(0.3)) continue;
      const tile = { jobId, isStopping: false };
      this.tiles.add(tile);
      time.after(random.between(20, TILE_MS_MAX), () => this.end(tile));
    }
  }

  private stopAll(isOver: (jobId: JobId) => boolean): void {
    const { random, time } = this.world;
    for (const tile of this.tiles) {
      if (tile.isStopping || !isOver(tile.jobId)) continue;
      tile.isStopping = true;
      time.after(random.between(0, STOPS_MS_MAX), () => this.end(tile));
    }
  }

  private end(tile: SimTile): void {
    if (this.tiles.delete(tile) && !this.wanted.has(tile.jobId)) this.beatSoon();
  }

  private beatSoon(): void {
    this.world.time.after(50, () => this.isAlive && this.beat());
  }

  private beat(): void {
    this.world.say(this.heartbeat(false), this.nextSayMs());
  }

  /** On one connection nothing overtakes. */
  private nextSayMs(): number {
    const { time, random } = this.world;
    this.saidAtMs = Math.max(this.saidAtMs, time.nowMs + random.between(1, 700));
    return this.saidAtMs - time.nowMs;
  }

  private heartbeat(leaving: boolean): Heartbeat {
    const jobIds = new Set([...this.tiles].map(({ jobId }) => jobId));
    const inHand = [...jobIds].map((jobId) => {
      const taken = this.renders(jobId);
      const attempts = Array.from({ length: taken }, (_, tile) => [1, tile, 1, 1]);
      return { jobId, attempts, taken, rendering: taken };
    });
    const { nodeId, instanceId, hostName, startedAtMs } = this;
    return {
      ...{ nodeId, instanceId, hostName, startedAtMs, inHand, inHandLeftOut: 0, leaving },
      assignmentRevision: this.last?.revision ?? 0,
    } as unknown as Heartbeat;
  }
}

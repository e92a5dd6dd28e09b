/** Listens to heartbeats: which nodes there are, and which have fallen silent. In memory only: nodes tell all of it again. */
import type { Subscription } from '@nats-io/transport-node';
import { decodeMessage, type Heartbeat, heartbeatSchema } from '#shared/bus/messages.js';
import type { NodeId } from '#shared/domain/ids.js';
import { messageOf } from '#shared/errors.js';
import { TIMES } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import { startJob } from './collect.js';

export interface KnownNode {
  readonly heartbeat: Heartbeat;
  readonly state: 'ready' | 'lost';
  readonly lastHeartbeatAtMs: number;
}

const CHECK_EVERY_MS = 500;
/** A node that has been silent for this long is no longer listed. */
const FORGOTTEN_AFTER_MS = 10 * 60_000;
const CONFLICT_WARNED_EVERY_MS = 60_000;

export class NodeTable {
  private readonly farm: Farm;
  private readonly onChange: () => void;
  private readonly nodes = new Map<NodeId, KnownNode>();
  private readonly conflictsWarnedAtMs = new Map<NodeId, number>();
  private subscription: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param onChange a node came, went, or has another number of slots. */
  constructor(farm: Farm, onChange: () => void) {
    this.farm = farm;
    this.onChange = onChange;
  }

  start(): void {
    this.subscription = this.farm.bus.connection.subscribe(this.farm.bus.names.heartbeatsAll, {
      callback: (error, message) => {
        if (!error) this.hear(message.data);
      },
    });
    this.timer = setInterval(() => this.findLost(), CHECK_EVERY_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.subscription?.unsubscribe();
  }

  /** By id. */
  list(): readonly KnownNode[] {
    return [...this.nodes.values()].sort((a, b) => (a.heartbeat.nodeId < b.heartbeat.nodeId ? -1 : 1));
  }

  /** Slots of the nodes that are there. */
  readySlots(): number {
    return this.list().reduce((sum, node) => sum + (node.state === 'ready' ? node.heartbeat.slots : 0), 0);
  }

  private hear(data: Uint8Array): void {
    let heartbeat: Heartbeat;
    try {
      heartbeat = decodeMessage(heartbeatSchema, data, 'heartbeat');
    } catch (error) {
      this.farm.log.warn({ reason: messageOf(error) }, 'heartbeat dropped');
      return;
    }
    const { nodeId } = heartbeat;
    const before = this.nodes.get(nodeId);
    if (heartbeat.leaving) {
      if (before && before.heartbeat.instanceId !== heartbeat.instanceId) return;
      this.nodes.delete(nodeId);
      if (before) this.farm.log.info({ nodeId, from: before.state, to: 'left' }, 'node state changed');
      this.onChange();
      return;
    }
    if (before) this.warnOfConflict(before, heartbeat);
    this.nodes.set(nodeId, { heartbeat, state: 'ready', lastHeartbeatAtMs: this.farm.clock.nowMs() });
    for (const jobId of heartbeat.jobIds) {
      const job = this.farm.jobs.liveJob(jobId);
      if (job && heartbeat.slotsBusy > 0) startJob(this.farm, job, true);
    }
    if (before?.state !== 'ready') {
      this.farm.log.info({ nodeId, from: before?.state ?? 'unknown', to: 'ready' }, 'node state changed');
      this.onChange();
    } else if (before.heartbeat.slots !== heartbeat.slots) this.onChange();
  }

  /** A restarted agent has a new instance once; two live ones keep taking turns, each with its own start time. */
  private warnOfConflict(before: KnownNode, now: Heartbeat): void {
    const nowMs = this.farm.clock.nowMs();
    const isOlder = now.startedAtMs < before.heartbeat.startedAtMs;
    if (before.heartbeat.instanceId === now.instanceId || !isOlder) return;
    if (nowMs - (this.conflictsWarnedAtMs.get(now.nodeId) ?? 0) < CONFLICT_WARNED_EVERY_MS) return;
    this.conflictsWarnedAtMs.set(now.nodeId, nowMs);
    this.farm.log.warn(
      { nodeId: now.nodeId, hosts: `${before.heartbeat.hostName}, ${now.hostName}` },
      'two agents use one node id; give each its own with --node-id',
    );
  }

  private findLost(): void {
    const nowMs = this.farm.clock.nowMs();
    for (const [nodeId, node] of this.nodes) {
      const silentMs = nowMs - node.lastHeartbeatAtMs;
      if (silentMs > FORGOTTEN_AFTER_MS) {
        this.nodes.delete(nodeId);
        this.onChange();
      } else if (node.state === 'ready' && silentMs > TIMES.nodeLostAfterMs) {
        this.nodes.set(nodeId, { ...node, state: 'lost' });
        this.farm.log.warn({ nodeId, from: 'ready', to: 'lost', silentMs }, 'node state changed');
        this.onChange();
      }
    }
  }
}

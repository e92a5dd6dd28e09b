/** Listens to heartbeats: which nodes there are, and which have fallen silent. In memory only: nodes tell all of it again. */
import type { Subscription } from '@nats-io/transport-node';
import {
  decodeMessage,
  encodeMessage,
  type Heartbeat,
  type HeartbeatAnswer,
  heartbeatSchema,
} from '#shared/bus/messages.js';
import type { NodeId } from '#shared/domain/ids.js';
import { FarmError, messageOf } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';
import type { Farm } from '../farm.js';
import { type Instance, Instances, type LostInstance } from '../recovery/instances.js';
import type { Standing } from '../scheduling/judge-nodes.js';
import { isSameList } from '../scheduling/renderer-versions.js';
import { quarantineReason } from '../scheduling/standing-changes.js';
import { startJob } from './start-job.js';

export interface KnownNode {
  readonly heartbeat: Heartbeat;
  readonly state: 'ready' | 'draining' | 'quarantined' | 'lost';
  /** Why it is in its state; empty when ready. */
  readonly reason: string;
  readonly standing: Standing;
  readonly lastHeartbeatAtMs: number;
}

/** A node as far as its heartbeats tell. */
interface HeardNode {
  readonly heartbeat: Heartbeat;
  readonly state: 'ready' | 'draining' | 'lost';
  readonly reason: string;
  readonly lastHeartbeatAtMs: number;
}

export interface NodeTableHooks {
  /** A node came, went, drains, or has another number of slots or other renderers. */
  changed(): void;
  /** A node that is there has spoken. */
  heard(heartbeat: Heartbeat): void;
  /** A node has left, or is lost. */
  gone(nodeId: NodeId): void;
  /** What it is kept from for its failures. */
  standingOf(nodeId: NodeId): Standing;
  /** Agents are gone, and what they had in hand with them. */
  lost(lost: readonly LostInstance[]): void;
  /** What a node is to be told, if anything. */
  answerTo(instance: Instance): HeartbeatAnswer | undefined;
}

const CHECK_EVERY_MS = 250;
/** A check that comes this late means that the server was away, or that this machine stood still: the count starts anew. */
const LATE_CHECK_MS = 1_000;
/** A node that has been silent for this long is no longer listed. */
const FORGOTTEN_AFTER_MS = 10 * 60_000;
const CONFLICT_WARNED_EVERY_MS = 60_000;

export class NodeTable {
  private readonly farm: Farm;
  private readonly hooks: NodeTableHooks;
  readonly instances = new Instances();
  private readonly nodes = new Map<NodeId, HeardNode>();
  private readonly conflictsWarnedAtMs = new Map<NodeId, number>();
  private subscription: Subscription | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** By the clock that only goes forward, as all times of instances. */
  private checkedAtMs = performance.now();
  private listeningSinceMs = this.checkedAtMs;
  private isChecking = false;

  constructor(farm: Farm, hooks: NodeTableHooks) {
    this.farm = farm;
    this.hooks = hooks;
  }

  start(): void {
    this.subscription = this.farm.bus.connection.subscribe(this.farm.bus.names.heartbeatsAll, {
      callback: (error, message) => {
        if (!error) this.hear(message.subject, message.data, (answer) => message.respond(answer));
      },
    });
    this.timer = setInterval(() => void this.check(), CHECK_EVERY_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.subscription?.unsubscribe();
  }

  /** By id. */
  list(): readonly KnownNode[] {
    return [...this.nodes.values()]
      .sort((a, b) => (a.heartbeat.nodeId < b.heartbeat.nodeId ? -1 : 1))
      .map((node) => this.known(node));
  }

  find(nodeId: string): KnownNode | undefined {
    const node = this.nodes.get(nodeId as NodeId);
    return node && this.known(node);
  }

  /** Nodes that may take work now, as they last spoke. */
  ready(): readonly Heartbeat[] {
    return this.list().flatMap(({ state, heartbeat }) => (state === 'ready' ? [heartbeat] : []));
  }

  private known(node: HeardNode): KnownNode {
    const standing = this.hooks.standingOf(node.heartbeat.nodeId);
    if (node.state !== 'ready' || !standing.quarantine) return { ...node, standing };
    return { ...node, state: 'quarantined', reason: quarantineReason(standing.quarantine), standing };
  }

  private hear(subject: string, data: Uint8Array, answer: (data: Uint8Array) => void): void {
    let heartbeat: Heartbeat;
    try {
      heartbeat = decodeMessage(heartbeatSchema, data, subject);
      if (subject !== this.farm.bus.names.heartbeat(heartbeat.nodeId))
        throw new FarmError('MESSAGE_INVALID', `${subject}: nodeId: it says ${heartbeat.nodeId}`);
      if (!this.nodes.has(heartbeat.nodeId) && this.nodes.size >= LIMITS.nodesMax)
        throw new FarmError('MESSAGE_INVALID', `${subject}: there are ${LIMITS.nodesMax} nodes already`);
    } catch (error) {
      this.farm.log.warn({ reason: messageOf(error) }, 'heartbeat dropped');
      return;
    }
    const { nodeId } = heartbeat;
    const before = this.nodes.get(nodeId);
    const heard = this.instances.hear(heartbeat, performance.now());
    if (heard.lost.length > 0) this.hooks.lost(heard.lost);
    const toDrop = heard.instance && this.hooks.answerTo(heard.instance);
    if (toDrop) answer(encodeMessage(toDrop));
    if (heartbeat.leaving) {
      if (before && before.heartbeat.instanceId !== heartbeat.instanceId) return;
      this.nodes.delete(nodeId);
      if (before) this.farm.log.info({ nodeId, from: before.state, to: 'left' }, 'node state changed');
      this.hooks.gone(nodeId);
      this.hooks.changed();
      return;
    }
    if (before) this.warnOfConflict(before, heartbeat);
    const state = heartbeat.draining ? 'draining' : 'ready';
    const reason = heartbeat.draining ? 'it finishes what it has and takes nothing more' : '';
    // The list that is known already has been looked at (renderer-versions.ts).
    const known = before?.heartbeat.renderers;
    const hasSame = known !== undefined && isSameList(known, heartbeat.renderers);
    const kept = hasSame ? { ...heartbeat, renderers: known } : heartbeat;
    this.nodes.set(nodeId, { heartbeat: kept, state, reason, lastHeartbeatAtMs: this.farm.clock.nowMs() });
    this.hooks.heard(heartbeat);
    for (const { jobId, attempts } of heartbeat.inHand) {
      const job = this.farm.jobs.liveJob(jobId);
      if (job && attempts.length > 0) startJob(this.farm, job, true);
    }
    if (before?.state !== state) {
      this.farm.log.info({ nodeId, from: before?.state ?? 'unknown', to: state }, 'node state changed');
      this.hooks.changed();
    } else if (before.heartbeat.slots !== heartbeat.slots || !hasSame) this.hooks.changed();
  }

  /** A restarted agent has a new instance once; two live ones keep taking turns, each with its own start time. */
  private warnOfConflict(before: HeardNode, now: Heartbeat): void {
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

  /** The server is asked first: what it had for us has been read when it answers, and while it is away nobody is silent. */
  private async check(): Promise<void> {
    if (this.isChecking) return;
    this.isChecking = true;
    try {
      await this.farm.bus.connection.flush();
    } catch (err) {
      this.farm.log.debug({ err }, 'nodes not checked: the server is away');
      return;
    } finally {
      this.isChecking = false;
    }
    const checkedAtMs = performance.now();
    if (checkedAtMs - this.checkedAtMs > LATE_CHECK_MS) this.listeningSinceMs = checkedAtMs;
    this.checkedAtMs = checkedAtMs;
    this.findLost(checkedAtMs);
  }

  private findLost(checkedAtMs: number): void {
    const lost = this.instances.findSilent(checkedAtMs, this.listeningSinceMs);
    for (const { instance, how } of lost) {
      const { nodeId, heartbeat } = instance;
      const node = this.nodes.get(nodeId);
      if (node?.heartbeat.instanceId !== heartbeat.instanceId) continue;
      this.nodes.set(nodeId, { ...node, state: 'lost', reason: how });
      this.hooks.gone(nodeId);
      this.farm.log.warn({ nodeId, from: node.state, to: 'lost', reason: how }, 'node state changed');
      this.hooks.changed();
    }
    if (lost.length > 0) this.hooks.lost(lost);
    const nowMs = this.farm.clock.nowMs();
    for (const [nodeId, node] of this.nodes) {
      if (node.state !== 'lost' || nowMs - node.lastHeartbeatAtMs <= FORGOTTEN_AFTER_MS) continue;
      this.nodes.delete(nodeId);
      this.conflictsWarnedAtMs.delete(nodeId);
      this.hooks.changed();
    }
  }
}

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
import { effectiveNode } from '../admin/effective.js';
import type { NodeSettings } from '../admin/settings.js';
import type { Farm } from '../farm.js';
import { type Instance, Instances, type LostInstance } from '../recovery/instances.js';
import type { NodeState } from '../scheduling/farm-model.js';
import type { Standing } from '../scheduling/judge-nodes.js';
import { isSameList } from '../scheduling/renderer-versions.js';
import { quarantineReason } from '../scheduling/standing-changes.js';
import { startJob } from './start-job.js';

export interface KnownNode {
  readonly heartbeat: Heartbeat;
  readonly state: NodeState;
  /** Why it is in its state; empty when ready. */
  readonly reason: string;
  readonly standing: Standing;
  readonly lastHeartbeatAtMs: number;
}

/** A node as far as its heartbeats tell. */
interface HeardNode {
  readonly heartbeat: Heartbeat;
  /** How it was lost; absent: it is there. */
  readonly lost?: string;
  /** What was told of it last. */
  readonly told: NodeState;
  readonly lastHeartbeatAtMs: number;
}

export interface NodeTableHooks {
  /** A node came, went, drains, or is another in what it has. */
  changed(nodeId: NodeId): void;
  /** A node that is there has spoken. Called for each heartbeat. */
  heard(heartbeat: Heartbeat): void;
  /** A node has left, or is lost. */
  gone(nodeId: NodeId, how: 'left' | 'lost'): void;
  /** Who is silent is known, a few times a second: the server has answered in this moment. See `listeningSinceMs`. */
  checked(nowMs: number, listeningSinceMs: number): void;
  /** What it is kept from for its failures. */
  standingOf(nodeId: NodeId): Standing;
  /** What an admin has set for it. */
  settingsOf(nodeId: NodeId): NodeSettings | undefined;
  /** Whether it has nothing in hand and works by an assignment without jobs. */
  isOut(heartbeat: Heartbeat): boolean;
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

  /** Forgets a node, unless it is there: one that has come back since somebody looked is a new one, and stays. */
  forgetLost(nodeId: NodeId): void {
    if (this.nodes.get(nodeId)?.lost !== undefined) this.forget(nodeId);
  }

  private forget(nodeId: NodeId): void {
    this.nodes.delete(nodeId);
    this.conflictsWarnedAtMs.delete(nodeId);
    this.hooks.changed(nodeId);
  }

  private known({ heartbeat, lost, lastHeartbeatAtMs }: HeardNode): KnownNode {
    const { nodeId } = heartbeat;
    const standing = this.hooks.standingOf(nodeId);
    const known = (state: NodeState, reason: string) => ({
      ...{ heartbeat, state, reason, standing, lastHeartbeatAtMs },
    });
    if (lost !== undefined) return known('lost', lost);
    if (heartbeat.draining) return known('draining', 'it finishes what it has and takes nothing more');
    if (effectiveNode(heartbeat, this.hooks.settingsOf(nodeId)).isDraining)
      return this.hooks.isOut(heartbeat)
        ? known('drained', `drained by an admin; "guian node resume ${nodeId}" lets it work again`)
        : known('draining', 'drained by an admin: it finishes what it has and takes nothing more');
    if (standing.quarantine) return known('quarantined', quarantineReason(standing.quarantine));
    return known('ready', '');
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
      if (before) this.farm.log.info({ nodeId, from: before.told, to: 'left' }, 'node state changed');
      this.hooks.gone(nodeId, 'left');
      this.hooks.changed(nodeId);
      return;
    }
    if (before) this.warnOfConflict(before, heartbeat);
    // The list that is known already has been looked at (renderer-versions.ts).
    const known = before?.heartbeat.renderers;
    const hasSame = known !== undefined && isSameList(known, heartbeat.renderers);
    const kept = hasSame ? { ...heartbeat, renderers: known } : heartbeat;
    const node: HeardNode = {
      heartbeat: kept,
      told: before?.told ?? 'ready',
      lastHeartbeatAtMs: this.farm.clock.nowMs(),
    };
    this.hooks.heard(kept);
    const { state } = this.known(node);
    this.nodes.set(nodeId, state === node.told ? node : { ...node, told: state });
    for (const { jobId, attempts } of heartbeat.inHand) {
      const job = this.farm.jobs.liveJob(jobId);
      if (job && attempts.length > 0) startJob(this.farm, job, true);
    }
    if (before?.told !== state) {
      this.farm.log.info({ nodeId, from: before?.told ?? 'unknown', to: state }, 'node state changed');
      this.hooks.changed(nodeId);
    } else if (!hasSame || !isSameMachine(before.heartbeat, heartbeat)) this.hooks.changed(nodeId);
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
    this.hooks.checked(checkedAtMs, this.listeningSinceMs);
  }

  private findLost(checkedAtMs: number): void {
    const lost = this.instances.findSilent(checkedAtMs, this.listeningSinceMs);
    for (const { instance, how } of lost) {
      const { nodeId, heartbeat } = instance;
      const node = this.nodes.get(nodeId);
      if (node?.heartbeat.instanceId !== heartbeat.instanceId) continue;
      this.nodes.set(nodeId, { ...node, lost: how, told: 'lost' });
      this.hooks.gone(nodeId, 'lost');
      this.farm.log.warn({ nodeId, from: node.told, to: 'lost', reason: how }, 'node state changed');
      this.hooks.changed(nodeId);
    }
    if (lost.length > 0) this.hooks.lost(lost);
    const nowMs = this.farm.clock.nowMs();
    for (const [nodeId, node] of this.nodes) {
      if (node.lost === undefined || nowMs - node.lastHeartbeatAtMs <= FORGOTTEN_AFTER_MS) continue;
      this.forget(nodeId);
    }
  }
}

/** Whether a node has, as far as it says, what it had. */
function isSameMachine(one: Heartbeat, other: Heartbeat): boolean {
  return (
    one.slots === other.slots &&
    one.cores === other.cores &&
    one.memoryBytes === other.memoryBytes &&
    isSameNames(one.pools, other.pools) &&
    isSameNames(one.tags, other.tags) &&
    one.gpus?.length === other.gpus?.length &&
    (one.gpus ?? []).every((gpu, index) => gpu.memoryBytes === other.gpus![index]!.memoryBytes)
  );
}

function isSameNames(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  return one?.length === other?.length && (one ?? []).every((name, index) => name === other![index]);
}

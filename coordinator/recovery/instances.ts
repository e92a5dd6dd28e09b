/**
 * The agents behind the nodes: one instance per start of an agent, what it last said it had in hand, and whether it is
 * lost. Data only; times are arguments, of a clock that only goes forward.
 *
 * Instances, not node ids, are what is lost: an agent that is restarted under its id takes the old one's place at once,
 * while of two agents that share an id neither is lost again each time the other speaks.
 */
import type { Hands, Heartbeat, HeartbeatAnswer, HeldAttempt } from '#shared/bus/messages.js';
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';
import { heldKey } from './lost-tiles.js';

export interface Instance {
  readonly nodeId: NodeId;
  heartbeat: Heartbeat;
  lastHeartbeatAtMs: number;
  isLost: boolean;
  /** Keys of the attempts in its hand whose leases were ended when it was lost, by job. */
  readonly givenAway: Map<JobId, Set<string>>;
}

export interface LostInstance {
  readonly instance: Instance;
  /** For people. */
  readonly how: string;
  /** It did not say goodbye: something ended it, or cut it off. */
  readonly isCrash: boolean;
}

/** Of one node, those that are lost included: room for a conflict of ids, and none for a crash loop. */
const INSTANCES_PER_NODE_MAX = 4;
/** A lost instance may come back for so long (a suspended machine, a cut cable) and be told what is no longer its own. */
const REMEMBERED_MS = 10 * 60_000;

export class Instances {
  private readonly nodes = new Map<NodeId, Map<string, Instance>>();
  /** Live instances by what they have in hand, kept up to date: asking all nodes about each job took seconds. */
  private readonly holders = new Map<JobId, Set<Instance>>();
  /** Live instances that have more in hand than they list. */
  private readonly incomplete = new Set<Instance>();

  /** @returns the one that spoke (nothing when it leaves), and those that are lost because it did. */
  hear(
    heartbeat: Heartbeat,
    nowMs: number,
  ): { readonly instance: Instance | undefined; readonly lost: readonly LostInstance[] } {
    const { nodeId, instanceId } = heartbeat;
    const ofNode = this.nodes.get(nodeId) ?? new Map<string, Instance>();
    const known = ofNode.get(instanceId);
    if (heartbeat.leaving) {
      if (known) this.takeOut(known);
      ofNode.delete(instanceId);
      if (ofNode.size === 0) this.nodes.delete(nodeId);
      const holdsSome = heartbeat.inHand.some(({ attempts }) => attempts.length > 0);
      if (!holdsSome) return { instance: undefined, lost: [] };
      const instance = known ?? newInstance(heartbeat, nowMs);
      instance.heartbeat = heartbeat;
      return { instance: undefined, lost: [{ instance, how: 'it left with tiles in hand', isCrash: false }] };
    }
    if (known) {
      this.replaceHands(known, heartbeat);
      known.heartbeat = heartbeat;
      known.lastHeartbeatAtMs = nowMs;
      known.isLost = false;
      return { instance: known, lost: [] };
    }
    const replaced = [...ofNode.values()].filter((instance) => !instance.isLost);
    for (const instance of replaced) this.lose(instance);
    const instance = newInstance(heartbeat, nowMs);
    this.putIn(instance);
    ofNode.set(instanceId, instance);
    this.nodes.set(nodeId, ofNode);
    for (const [oldest, old] of ofNode) {
      if (ofNode.size <= INSTANCES_PER_NODE_MAX) break;
      this.takeOut(old);
      ofNode.delete(oldest);
    }
    return {
      instance,
      lost: replaced.map((gone) => ({ instance: gone, how: 'its agent was started again', isCrash: true })),
    };
  }

  /**
   * @param listeningSinceMs nobody is blamed for what was said before somebody listened.
   * @returns those that have just been silent for too long.
   */
  findSilent(nowMs: number, listeningSinceMs: number): LostInstance[] {
    const lost: LostInstance[] = [];
    for (const [nodeId, ofNode] of this.nodes) {
      for (const [instanceId, instance] of ofNode) {
        const silentMs = nowMs - Math.max(instance.lastHeartbeatAtMs, listeningSinceMs);
        if (instance.isLost) {
          if (silentMs > REMEMBERED_MS) ofNode.delete(instanceId);
        } else if (silentMs > TIMES.nodeLostAfterMs) {
          this.lose(instance);
          lost.push({ instance, how: `no heartbeat for ${(silentMs / 1000).toFixed(1)} s`, isCrash: true });
        }
      }
      if (ofNode.size === 0) this.nodes.delete(nodeId);
    }
    return lost;
  }

  /** Those that are not lost. */
  *live(): Generator<Instance> {
    for (const ofNode of this.nodes.values())
      for (const instance of ofNode.values()) if (!instance.isLost) yield instance;
  }

  /** Whether every live instance has spoken after this instant. */
  areHeardSince(atMs: number): boolean {
    for (const instance of this.live()) if (instance.lastHeartbeatAtMs <= atMs) return false;
    return true;
  }

  /** What live instances have in hand of a job, and whether that is all of it. */
  handsOf(
    jobId: JobId,
    except?: Instance,
  ): { readonly held: readonly HeldAttempt[]; readonly isAll: boolean } {
    const held: HeldAttempt[] = [];
    for (const instance of this.holders.get(jobId) ?? []) {
      if (instance === except) continue;
      for (const hand of instance.heartbeat.inHand)
        if (hand.jobId === jobId) for (const attempt of hand.attempts) held.push(attempt);
    }
    const others = except && this.incomplete.has(except) ? this.incomplete.size - 1 : this.incomplete.size;
    return { held, isAll: others === 0 };
  }

  /** Those of an instance's attempts at tiles of a job that another live one has in hand, too. */
  heldElsewhere(jobId: JobId, attempts: readonly HeldAttempt[], except: Instance): HeldAttempt[] {
    const tiles = new Set(attempts.map(([, tile]) => tile));
    // Keys are made of the few that may be meant: many nodes come back together.
    const others = this.handsOf(jobId, except).held.filter(([, tile]) => tiles.has(tile));
    const keys = new Set(others.map(heldKey));
    return attempts.filter((held) => keys.has(heldKey(held)));
  }

  private lose(instance: Instance): void {
    this.takeOut(instance);
    instance.isLost = true;
  }

  /** The usual heartbeat names the same jobs as the one before, and changes nothing here. */
  private replaceHands(instance: Instance, now: Heartbeat): void {
    const before = instance.heartbeat;
    const isSame =
      !instance.isLost &&
      before.inHand.length === now.inHand.length &&
      before.inHandLeftOut > 0 === now.inHandLeftOut > 0 &&
      now.inHand.every(({ jobId }, index) => jobId === before.inHand[index]!.jobId);
    if (isSame) return;
    this.takeOut(instance);
    instance.heartbeat = now;
    this.putIn(instance);
  }

  private putIn(instance: Instance): void {
    for (const { jobId } of instance.heartbeat.inHand) {
      const holders = this.holders.get(jobId) ?? new Set();
      this.holders.set(jobId, holders.add(instance));
    }
    if (instance.heartbeat.inHandLeftOut > 0) this.incomplete.add(instance);
  }

  private takeOut(instance: Instance): void {
    for (const { jobId } of instance.heartbeat.inHand) {
      const holders = this.holders.get(jobId);
      holders?.delete(instance);
      if (holders?.size === 0) this.holders.delete(jobId);
    }
    this.incomplete.delete(instance);
  }
}

/**
 * What a node has in hand and should not have. Nothing in the usual case, which costs one look per attempt.
 * @param isOver whether a tile needs no result any more; of a job that does not run: false, for what is in hand of it goes
 *   with the node's assignment.
 */
export function toDrop(
  instances: Instances,
  instance: Instance,
  isOver: (jobId: JobId, frame: number, tile: number) => boolean,
): HeartbeatAnswer | undefined {
  const over: Hands[number][] = [];
  for (const { jobId, attempts } of instance.heartbeat.inHand) {
    const useless = attempts.filter(([frame, tile]) => isOver(jobId, frame, tile));
    if (useless.length > 0) over.push({ jobId, attempts: useless });
  }
  const taken: Hands[number][] = [];
  for (const [jobId, attempts] of stillListed(instance)) {
    const elsewhere = instances.heldElsewhere(jobId, attempts, instance);
    if (elsewhere.length > 0) taken.push({ jobId, attempts: elsewhere });
  }
  return over.length + taken.length > 0 ? { over, taken } : undefined;
}

/** What an instance that came back still lists of what had been given away; the rest is forgotten. */
export function stillListed(instance: Instance): Map<JobId, HeldAttempt[]> {
  const listed = new Map<JobId, HeldAttempt[]>();
  if (instance.givenAway.size === 0) return listed;
  for (const { jobId, attempts } of instance.heartbeat.inHand) {
    const away = instance.givenAway.get(jobId);
    const still = away ? attempts.filter((held) => away.has(heldKey(held))) : [];
    if (still.length > 0) listed.set(jobId, still);
  }
  instance.givenAway.clear();
  for (const [jobId, still] of listed) instance.givenAway.set(jobId, new Set(still.map(heldKey)));
  return listed;
}

function newInstance(heartbeat: Heartbeat, nowMs: number): Instance {
  return {
    nodeId: heartbeat.nodeId,
    heartbeat,
    lastHeartbeatAtMs: nowMs,
    isLost: false,
    givenAway: new Map(),
  };
}

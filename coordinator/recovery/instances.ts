/**
 * The agents behind the nodes: one instance per start of an agent, what it last said it had in hand, and whether it is
 * lost. Data only; times are arguments, of a clock that only goes forward.
 *
 * Instances, not node ids, are what is lost: an agent that is restarted under its id takes the old one's place at once,
 * while of two agents that share an id neither is lost again each time the other speaks.
 */
import type { Heartbeat, HeldAttempt } from '#shared/bus/messages.js';
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

  /** @returns the one that spoke (nothing when it leaves), and those that are lost because it did. */
  hear(
    heartbeat: Heartbeat,
    nowMs: number,
  ): { readonly instance: Instance | undefined; readonly lost: readonly LostInstance[] } {
    const { nodeId, instanceId } = heartbeat;
    const ofNode = this.nodes.get(nodeId) ?? new Map<string, Instance>();
    const known = ofNode.get(instanceId);
    if (heartbeat.leaving) {
      ofNode.delete(instanceId);
      if (ofNode.size === 0) this.nodes.delete(nodeId);
      const holdsSome = heartbeat.inHand.some(({ attempts }) => attempts.length > 0);
      if (!holdsSome) return { instance: undefined, lost: [] };
      const instance = known ?? newInstance(heartbeat, nowMs);
      instance.heartbeat = heartbeat;
      return { instance: undefined, lost: [{ instance, how: 'it left with tiles in hand', isCrash: false }] };
    }
    if (known) {
      known.heartbeat = heartbeat;
      known.lastHeartbeatAtMs = nowMs;
      known.isLost = false;
      return { instance: known, lost: [] };
    }
    const replaced = [...ofNode.values()].filter((instance) => !instance.isLost);
    for (const instance of replaced) instance.isLost = true;
    const instance = newInstance(heartbeat, nowMs);
    ofNode.set(instanceId, instance);
    this.nodes.set(nodeId, ofNode);
    for (const oldest of ofNode.keys()) {
      if (ofNode.size <= INSTANCES_PER_NODE_MAX) break;
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
          instance.isLost = true;
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
    let isAll = true;
    for (const instance of this.live()) {
      if (instance === except) continue;
      if (instance.heartbeat.inHandLeftOut > 0) isAll = false;
      for (const hand of instance.heartbeat.inHand)
        if (hand.jobId === jobId) for (const attempt of hand.attempts) held.push(attempt);
    }
    return { held, isAll };
  }
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

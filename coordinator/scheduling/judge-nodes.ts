/**
 * Which nodes get no more tiles of a job, and which get none at all, from what they are blamed for. A pure function.
 *
 * Blocked for a job: the node is blamed for `blockAfter` of its tiles or more, and for more than there are tiles in the
 * job that are to blame themselves (in a scene that fails everywhere no node is worse than another).
 * Quarantined: it is blamed that much in jobs of `quarantineAfter` studios or more.
 * Never all of them: where every node that could work for a job would be blocked, none is, and where every node would be
 * quarantined, or all that could work for one of the jobs, none is. A node that is in trouble with a job (a full disk, a
 * package that does not come) could not work for it. Then tiles use up their attempts and the job ends with failures; it
 * never waits for ever.
 */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import type { JobBlame, NodeBlame } from './blame.js';

export interface BlamePolicy {
  /** Failed tiles of one job. */
  readonly blockAfter: number;
  /** Studios. */
  readonly quarantineAfter: number;
  readonly forgiveAfterMs: number;
}

export interface Block {
  readonly jobId: JobId;
  /** Tiles that the node failed and that are not to blame themselves. */
  readonly failures: number;
  /** When enough of them are forgiven, if it fails no more. */
  readonly untilMs: number;
  /** Of the last failure. */
  readonly code: string;
}

export interface Quarantine {
  readonly studios: readonly string[];
  readonly untilMs: number;
  readonly code: string;
}

export interface Standing {
  /** Running jobs of which the node gets no tiles. */
  readonly blocks: readonly Block[];
  readonly quarantine: Quarantine | undefined;
}

/** Whether something keeps a node from working for a job, other than what it is blamed for. */
export type IsInTrouble = (nodeId: NodeId, jobId: JobId) => boolean;

export interface Verdict {
  /** Nodes about which there is something to say. */
  readonly standings: ReadonlyMap<NodeId, Standing>;
  /** Running jobs for which nobody is blocked, since everybody would be. */
  readonly unblockedJobs: ReadonlySet<JobId>;
  /** Whether nobody is quarantined, since everybody would be who could work for some job. */
  readonly isQuarantineWaived: boolean;
  /** When time alone may change it. */
  readonly nextChangeAtMs: number | undefined;
}

/**
 * @param blames of all jobs that are remembered, as of now.
 * @param candidates nodes that are there and take tiles, those included that are quarantined now.
 * @param liveJobs jobs that have not ended.
 * @param isInTrouble nothing: no node is.
 */
export function judgeNodes(
  blames: readonly JobBlame[],
  candidates: ReadonlySet<NodeId>,
  liveJobs: ReadonlySet<JobId>,
  policy: BlamePolicy,
  isInTrouble?: IsInTrouble,
): Verdict {
  const untilMs: number[] = [];
  const suspects = blames.map((blame) => ({ ...blame, blocks: blocksOf(blame, policy) }));
  for (const { blocks } of suspects) for (const block of blocks.values()) untilMs.push(block.untilMs);
  const found = quarantinesOf(suspects, policy);
  for (const quarantine of found.values()) untilMs.push(quarantine.untilMs);
  const isQuarantineWaived =
    isEvery(candidates, found) ||
    (found.size > 0 && [...liveJobs].some((jobId) => isEvery(fitFor(jobId, candidates, isInTrouble), found)));
  const quarantines = isQuarantineWaived ? new Map<NodeId, Quarantine>() : found;
  const workers = new Set([...candidates].filter((nodeId) => !quarantines.has(nodeId)));

  const unblockedJobs = new Set<JobId>();
  const standings = new Map<NodeId, Standing>();
  const standing = (nodeId: NodeId): Standing => standings.get(nodeId) ?? NO_STANDING;
  for (const [nodeId, quarantine] of quarantines) standings.set(nodeId, { blocks: [], quarantine });
  for (const { jobId, blocks } of suspects) {
    if (!liveJobs.has(jobId)) continue;
    if (isEvery(fitFor(jobId, workers, isInTrouble), blocks)) {
      unblockedJobs.add(jobId);
      continue;
    }
    for (const [nodeId, block] of blocks) {
      const before = standing(nodeId);
      standings.set(nodeId, { ...before, blocks: [...before.blocks, block] });
    }
  }
  const nextChangeAtMs = untilMs.length > 0 ? untilMs.reduce((a, b) => Math.min(a, b)) : undefined;
  return { standings, unblockedJobs, isQuarantineWaived, nextChangeAtMs };
}

export const NO_STANDING: Standing = { blocks: [], quarantine: undefined };

function blocksOf({ jobId, badTiles, nodes }: JobBlame, policy: BlamePolicy): ReadonlyMap<NodeId, Block> {
  const enough = Math.max(policy.blockAfter, badTiles + 1);
  const blocks = new Map<NodeId, Block>();
  for (const [nodeId, blame] of nodes) {
    const failures = blame.failedAtMs.length;
    if (failures >= enough)
      blocks.set(nodeId, { jobId, failures, untilMs: belowAt(blame, enough, policy), code: blame.code });
  }
  return blocks;
}

/** When fewer than `enough` of its failures count. */
function belowAt({ failedAtMs }: NodeBlame, enough: number, { forgiveAfterMs }: BlamePolicy): number {
  return failedAtMs[failedAtMs.length - enough]! + forgiveAfterMs;
}

function quarantinesOf(
  suspects: readonly { readonly studio: string; readonly blocks: ReadonlyMap<NodeId, Block> }[],
  policy: BlamePolicy,
): ReadonlyMap<NodeId, Quarantine> {
  const byNode = new Map<NodeId, Map<string, Block>>();
  for (const { studio, blocks } of suspects)
    for (const [nodeId, block] of blocks) {
      const studios = byNode.get(nodeId) ?? new Map<string, Block>();
      const before = studios.get(studio);
      if (!before || block.untilMs > before.untilMs) studios.set(studio, block);
      byNode.set(nodeId, studios);
    }
  const quarantines = new Map<NodeId, Quarantine>();
  for (const [nodeId, studios] of byNode) {
    if (studios.size < policy.quarantineAfter) continue;
    const inOrder = [...studios].sort(([, a], [, b]) => a.untilMs - b.untilMs);
    quarantines.set(nodeId, {
      studios: inOrder.map(([studio]) => studio).sort(),
      untilMs: inOrder[inOrder.length - policy.quarantineAfter]![1].untilMs,
      code: inOrder.at(-1)![1].code,
    });
  }
  return quarantines;
}

function fitFor(
  jobId: JobId,
  nodeIds: ReadonlySet<NodeId>,
  isInTrouble: IsInTrouble | undefined,
): ReadonlySet<NodeId> {
  return isInTrouble ? new Set([...nodeIds].filter((nodeId) => !isInTrouble(nodeId, jobId))) : nodeIds;
}

/** Whether nobody would be left; not so when nobody is there in the first place. */
function isEvery(nodes: ReadonlySet<NodeId>, found: ReadonlyMap<NodeId, unknown>): boolean {
  return nodes.size > 0 && found.size >= nodes.size && [...nodes].every((nodeId) => found.has(nodeId));
}

/** Compares the blocks and quarantines that are in force with a new verdict: what begins, what ends, and why. Pure. */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { type Block, NO_STANDING, type Quarantine, type Standing, type Verdict } from './judge-nodes.js';

/** One line of a job's story, or, without a job, of the node's. */
export interface StandingChange {
  readonly kind: 'node_blocked' | 'node_quarantined' | 'node_forgiven';
  readonly nodeId: NodeId;
  readonly jobId?: JobId;
  readonly message: string;
}

export interface StandingChanges {
  /** In force from now on, of the nodes of which it is known. */
  readonly standings: ReadonlyMap<NodeId, Standing>;
  readonly told: readonly StandingChange[];
}

export interface Circumstances {
  /** Nodes that are not listed may come back: of them nothing begins and nothing ends. */
  readonly listed: ReadonlySet<NodeId>;
  readonly liveJobs: ReadonlySet<JobId>;
  readonly nowMs: number;
  /** Whether anything may end yet. */
  readonly mayEnd: boolean;
}

/** @returns nodes with `NO_STANDING` have nothing left. */
export function standingChanges(
  before: ReadonlyMap<NodeId, Standing>,
  verdict: Verdict,
  circumstances: Circumstances,
): StandingChanges {
  const { listed, liveJobs, nowMs, mayEnd } = circumstances;
  const standings = new Map<NodeId, Standing>();
  const told: StandingChange[] = [];
  for (const nodeId of new Set([...before.keys(), ...verdict.standings.keys()])) {
    const was = before.get(nodeId) ?? NO_STANDING;
    const wanted = verdict.standings.get(nodeId) ?? NO_STANDING;
    if (!listed.has(nodeId)) {
      // Its time runs out all the same.
      if (isOver(was, nowMs)) standings.set(nodeId, NO_STANDING);
      continue;
    }
    const blocks = new Map(wanted.blocks.map((block) => [block.jobId, block]));
    const wasBlocked = new Set(was.blocks.map(({ jobId }) => jobId));
    for (const block of blocks.values()) if (!wasBlocked.has(block.jobId)) told.push(blocked(nodeId, block));
    for (const block of was.blocks) {
      // A job that has ended takes its blocks with it.
      if (blocks.has(block.jobId) || !liveJobs.has(block.jobId)) continue;
      const why = whyOver(block, nowMs, verdict.unblockedJobs.has(block.jobId));
      if (mayEnd) told.push(unblocked(nodeId, block, why));
      else blocks.set(block.jobId, block);
    }
    let { quarantine } = wanted;
    if (quarantine && !was.quarantine) told.push(quarantined(nodeId, quarantine));
    if (!quarantine && was.quarantine) {
      const why = whyOver(was.quarantine, nowMs, verdict.isQuarantineWaived);
      if (mayEnd) told.push(released(nodeId, why));
      else quarantine = was.quarantine;
    }
    const isNothing = blocks.size === 0 && !quarantine;
    standings.set(nodeId, isNothing ? NO_STANDING : { blocks: [...blocks.values()], quarantine });
  }
  return { standings, told };
}

/** Why a node is quarantined, for people. */
export function quarantineReason({ studios, untilMs, code }: Quarantine): string {
  return `it failed tiles for ${studios.length} studios (${studios.join(', ')}), last with ${code}; until ${clockText(untilMs)} if it fails no more`;
}

function blocked(nodeId: NodeId, { jobId, failures, untilMs, code }: Block): StandingChange {
  const message = `node ${nodeId} gets no more tiles of it: it failed ${failures} that no other node has failed, last with ${code}; until ${clockText(untilMs)} if it fails no more`;
  return { kind: 'node_blocked', nodeId, jobId, message };
}

function unblocked(nodeId: NodeId, { jobId }: Block, why: string): StandingChange {
  const message = `node ${nodeId} may have tiles of it again: ${why}`;
  return { kind: 'node_forgiven', nodeId, jobId, message };
}

function quarantined(nodeId: NodeId, quarantine: Quarantine): StandingChange {
  const message = `node ${nodeId} is quarantined: ${quarantineReason(quarantine)}`;
  return { kind: 'node_quarantined', nodeId, message: message.slice(0, 1_000) };
}

function released(nodeId: NodeId, why: string): StandingChange {
  const message = `node ${nodeId} is no longer quarantined: ${why}`;
  return { kind: 'node_forgiven', nodeId, message };
}

function whyOver({ untilMs }: Block | Quarantine, nowMs: number, isLastOne: boolean): string {
  if (isLastOne) return 'no better node is left';
  return untilMs <= nowMs
    ? 'its failures are forgiven with time'
    : 'the tiles that it failed are to blame themselves';
}

function isOver({ blocks, quarantine }: Standing, nowMs: number): boolean {
  const untilMs = [...blocks, ...(quarantine ? [quarantine] : [])].map((part) => part.untilMs);
  return untilMs.every((until) => until <= nowMs);
}

function clockText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

/** Puts a job that needs several nodes on as many, by moves and swaps that leave everyone's number of slots as it is. */
import type { JobEntry, Ledger, NodeEntry } from './ledger.js';
import { mayHaveTokensOn } from './limits.js';
import { fitting } from './paths.js';
import { findFree, NodesAtHand } from './place.js';

/** @returns whether anything was moved. */
export function spread(ledger: Ledger): boolean {
  let hasMoved = false;
  for (const job of ledger.jobs.values()) while (isTooNarrow(job) && moveOne(ledger, job)) hasMoved = true;
  return hasMoved;
}

function isTooNarrow({ nodes, slots, job }: JobEntry): boolean {
  return nodes.size < job.nodesMin && slots > nodes.size;
}

function moveOne(ledger: Ledger, job: JobEntry): boolean {
  for (const [from, slots] of job.nodes) {
    if (slots < 2 || !from.nodeClass) continue;
    const to = findFree(ledger, new NodesAtHand(new Map()), job);
    if (to && !job.nodes.has(to)) {
      ledger.give(job, from, -1);
      ledger.give(job, to, 1);
      return true;
    }
    if (swapOne(ledger, job, from)) return true;
  }
  return false;
}

/** Another job takes the slot and leaves one elsewhere. */
function swapOne(ledger: Ledger, job: JobEntry, from: NodeEntry): boolean {
  for (const { jobs } of job.kind.classes)
    for (const [other, nodes] of jobs) {
      if (other === job || !from.nodeClass!.kinds.has(other.kind) || !mayHaveTokensOn(from, other)) continue;
      if (fitting(from, other, job, 1) === 0) continue;
      // One that is on few nodes by need is not pushed together.
      if (other.nodes.size <= other.job.nodesMin) continue;
      for (const to of nodes.keys()) {
        if (job.nodes.has(to) || !mayHaveTokensOn(to, job) || fitting(to, job, other, 1) === 0) continue;
        ledger.give(job, from, -1);
        ledger.give(other, to, -1);
        ledger.give(job, to, 1);
        ledger.give(other, from, 1);
        return true;
      }
    }
  return false;
}

/** What a job may use of a node beyond its own slots, and when it is ousted from one at once. Pure. */
import type { FarmJob, FarmNode } from './farm-model.js';

/**
 * A node gives slots that no other job has tiles for to any of its jobs. Where that could pass a limit, it must not.
 * @param all every job of the node, with its slots.
 * @param studioMaxSlots 0: no limit.
 * @returns slots of the node that the job may use at most; nothing: as many as nobody else uses.
 */
export function burstMax(
  node: FarmNode,
  job: FarmJob,
  slots: number,
  all: readonly (readonly [job: FarmJob, slots: number])[],
  studioMaxSlots: number,
): number | undefined {
  if (job.licences.length > 0 || job.maxSlots > 0 || studioMaxSlots > 0) return slots;
  if (job.slotMemoryBytes === 0) return undefined;
  let leftBytes = node.memoryBytes;
  for (const [other, its] of all) leftBytes -= its * other.slotMemoryBytes;
  const most = slots + Math.max(0, Math.floor(leftBytes / job.slotMemoryBytes));
  return most < node.slots ? most : undefined;
}

/** @param gained jobs that the node gives more slots than before. */
export function isOusted(loser: FarmJob | undefined, gained: readonly FarmJob[]): boolean {
  if (!loser || loser.gate) return false;
  // Priority says nothing between studios.
  return gained.some(
    ({ preempt, studio, priority }) =>
      preempt === 'hard' && studio === loser.studio && priority > loser.priority,
  );
}

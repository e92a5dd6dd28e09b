/** How many slots a running job could fill at this moment, and on how many nodes it must be. Looked at when that may matter. */
import { isFrameEnded } from '#shared/state/frame-state.js';
import type { LiveJob } from './live-job.js';
import { liveAttempts, unwantedNodes } from './tile-case.js';

export interface JobDemand {
  readonly slots: number;
  /** One of so many nodes at least is none that is to leave some tile of it to others. */
  readonly nodesMin: number;
}

/**
 * @param heldFrames frames that wait for those of other jobs: none of their tiles is out.
 * Cost: one look at each open frame, and at each tile that is not in the usual state of things (tile-case.ts).
 */
export function jobDemand(job: LiveJob, heldFrames: ReadonlySet<number>): JobDemand {
  let copies = 0;
  let avoided = 0;
  let openOfHeld = 0;
  let heldOpened = 0;
  for (const frame of job.openFrames()) {
    if (heldFrames.has(frame.frame)) {
      heldOpened++;
      openOfHeld += frame.layout.count - frame.doneCount;
    }
    if (isFrameEnded(frame.state)) continue;
    for (const tile of frame.cases.keys()) {
      const live = liveAttempts(frame, tile);
      copies += Math.max(0, live.length - 1);
      for (const { avoid } of live) avoided = Math.max(avoided, avoid.length);
      avoided = Math.max(avoided, new Set(unwantedNodes(frame, tile)).size);
    }
  }
  const held = openOfHeld + (heldFrames.size - heldOpened) * job.grid.count;
  const open = Math.max(0, job.tilesOpen - held);
  if (open === 0) return { slots: 0, nodesMin: 0 };
  const nodesMin = Math.max(avoided + 1, job.record.verify > 0 ? 2 : 1);
  return { slots: Math.max(open + copies, nodesMin), nodesMin };
}

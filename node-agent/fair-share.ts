/**
 * Which job's tile is next, and how many tiles to ask for: the node's whole policy, as pure functions.
 *
 * Each job has slots of its own (its assignment says how many) and may burst into those that no other job has a tile for,
 * up to its cap. Every tile at hand holds a lease and is out of reach of other nodes, so what is buffered, asked for and
 * rendering stays within a depth of 2 × slots. Tiles that take a few ms are the exception: a pull takes as long as they
 * do, so the depth grows until it holds `WORK_AHEAD_MS` of work.
 */

/** What a job may have of the node. */
export interface JobShare {
  /** Its own; 0: only what no other job has a tile for. */
  readonly slots: number;
  /** Never more renders at once; absent: no cap. */
  readonly slotsMax?: number | undefined;
}

export interface JobLoad extends JobShare {
  /** At hand, not rendering. */
  readonly buffered: number;
  /** Asked for, not here yet. */
  readonly outstanding: number;
  /** When it was last asked. */
  readonly askedAtMs: number;
  readonly rendering: number;
  /** The last pull came back empty: ask for one at a time. */
  readonly isDry: boolean;
  /** False while its consumer is not there. */
  readonly canPull: boolean;
}

/** Per slot, while one has nothing to do: of several dry jobs some may have tiles again, and an empty one answers late. */
const HUNGRY_PROBES = 4;
const WORK_AHEAD_MS = 20;
const DEPTH_PER_SLOT_MAX = 64;
/** Tiles at hand for each render that is allowed: one renders, one is next. */
const HELD_PER_SLOT = 2;

/** @param meanTileMs of late; undefined before the first tile. */
export function prefetchDepth(slots: number, meanTileMs: number | undefined): number {
  if (meanTileMs === undefined) return HELD_PER_SLOT * slots;
  const tiles = Math.ceil((slots * WORK_AHEAD_MS) / Math.max(meanTileMs, 0.01));
  return Math.min(Math.max(tiles, HELD_PER_SLOT * slots), DEPTH_PER_SLOT_MAX * slots);
}

/** Renders of the job at once, at most. */
export const capOf = ({ slotsMax }: JobShare): number => slotsMax ?? Number.POSITIVE_INFINITY;

/**
 * How many tiles of each job a node may have at hand (buffered, asked for, rendering) when all jobs have tiles: the depth
 * in proportion to their slots. A capped job never has more than twice its cap, whatever others do.
 */
export function heldParts(shares: readonly JobShare[], depth: number): number[] {
  const slots = shares.reduce((sum, share) => sum + share.slots, 0);
  return shares.map((share) => {
    const part = slots === 0 ? depth / shares.length : (depth * share.slots) / slots;
    return Math.min(Math.max(1, Math.ceil(part)), HELD_PER_SLOT * capOf(share));
  });
}

/**
 * @param jobs  `ready` tiles could start now; `servedAt` grows with each tile that a job was given.
 * @returns index of the job that has least of its slots among those with a ready tile and below their cap, the longest
 *          unserved on a tie; -1 when nothing may start. So jobs that have less than their slots come first, and while
 *          all have tiles each has its slots; yet no slot waits while any job below its cap has a ready tile.
 */
export function nextJob(
  jobs: readonly (JobShare & {
    readonly ready: number;
    readonly rendering: number;
    readonly servedAt: number;
  })[],
): number {
  let best = -1;
  let bestRank = 0;
  for (let index = 0; index < jobs.length; index++) {
    const job = jobs[index]!;
    if (job.ready === 0 || job.rendering >= capOf(job)) continue;
    const jobRank = rank(job, job.rendering);
    const isBetter =
      best < 0 || jobRank < bestRank || (jobRank === bestRank && job.servedAt < jobs[best]!.servedAt);
    if (!isBetter) continue;
    best = index;
    bestRank = jobRank;
  }
  return best;
}

/**
 * How many tiles to ask each job's consumer for: in proportion to their slots.
 *
 * A dry job is probed with one tile at a time, those first that were not asked for the longest time, and at most `slots`
 * probes are out, or `HUNGRY_PROBES` times as many while a slot has nothing to do. They do not count against the depth, or
 * finished jobs would keep slots from the others while their pulls wait.
 * @returns one number per job. Over all: buffered + outstanding + rendering ≤ depth, plus the probes; of a capped job
 *          never more than twice its cap.
 */
export function planPulls(jobs: readonly JobLoad[], slots: number, depth: number): number[] {
  const wants = jobs.map(() => 0);
  const loads = jobs.map((job) => job.buffered + job.rendering + job.outstanding);
  const isProbe = (job: JobLoad) => job.isDry && job.outstanding <= 1;
  let waiting = 0;
  /** Those of them that could start in a free slot: a capped job's next tile cannot. */
  let startable = 0;
  let rendering = 0;
  let probes = 0;
  for (const job of jobs) {
    const waits = job.buffered + (isProbe(job) ? 0 : job.outstanding);
    rendering += job.rendering;
    waiting += waits;
    startable += Math.min(waits, Math.max(0, capOf(job) - job.rendering));
    if (isProbe(job)) probes += job.outstanding;
  }
  // Small pulls cost as much as large ones, so a deep buffer is refilled by quarters; a slot that would idle never waits,
  // nor a job that has less at hand than its slots.
  const free = depth - waiting - rendering;
  const lacks = (job: JobLoad, index: number) => mayAsk(job, loads[index]!) && loads[index]! < job.slots;
  if (free > 0 && (startable === 0 || free >= Math.floor(depth / 4) || jobs.some(lacks))) {
    for (let tile = 0; tile < free; tile++) {
      const index = leastLoaded(jobs, loads, wants);
      if (index < 0) break;
      wants[index]!++;
    }
  }
  const probesMax = startable + rendering < slots ? HUNGRY_PROBES * slots : slots;
  const dry = [...jobs.keys()].filter((index) => {
    const job = jobs[index]!;
    return job.isDry && job.canPull && job.outstanding === 0 && hasRoom(job, loads[index]!);
  });
  dry.sort((a, b) => jobs[a]!.askedAtMs - jobs[b]!.askedAtMs);
  for (const index of dry.slice(0, Math.max(0, probesMax - probes))) wants[index] = 1;
  return wants;
}

function leastLoaded(jobs: readonly JobLoad[], loads: readonly number[], wants: readonly number[]): number {
  let best = -1;
  let bestRank = 0;
  for (let index = 0; index < jobs.length; index++) {
    const load = loads[index]! + wants[index]!;
    if (!mayAsk(jobs[index]!, load)) continue;
    const jobRank = rank(jobs[index]!, load);
    if (best >= 0 && jobRank >= bestRank) continue;
    best = index;
    bestRank = jobRank;
  }
  return best;
}

/** Below 1 while a job has less than its slots. One without slots comes when those with slots have theirs. */
const rank = ({ slots }: JobShare, count: number): number => (slots > 0 ? count / slots : 1 + count);

const mayAsk = (job: JobLoad, load: number): boolean => !job.isDry && job.canPull && hasRoom(job, load);

const hasRoom = (share: JobShare, load: number): boolean => load < HELD_PER_SLOT * capOf(share);

/**
 * Which job's tile is next, and how many tiles to ask for: the node's whole policy, as pure functions.
 *
 * Every tile at hand holds a lease and is out of reach of other nodes, so what is buffered, asked for and rendering stays
 * within a depth of 2 × slots. Tiles that take a few ms are the exception: a pull takes as long as they do, so the depth
 * grows until it holds `WORK_AHEAD_MS` of work.
 */
export interface JobLoad {
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

/** @param meanTileMs of late; undefined before the first tile. */
export function prefetchDepth(slots: number, meanTileMs: number | undefined): number {
  if (meanTileMs === undefined) return 2 * slots;
  const tiles = Math.ceil((slots * WORK_AHEAD_MS) / Math.max(meanTileMs, 0.01));
  return Math.min(Math.max(tiles, 2 * slots), DEPTH_PER_SLOT_MAX * slots);
}

/**
 * @param jobs  `ready` tiles could start now; `servedAt` grows with each tile that a job was given.
 * @returns index of the job with the fewest rendering tiles among those with a ready one, the longest unserved on a tie;
 *          -1 when nothing is ready. Work-conserving: a slot never waits while any job has a ready tile.
 */
export function nextJob(
  jobs: readonly { readonly ready: number; readonly rendering: number; readonly servedAt: number }[],
): number {
  let best = -1;
  for (let index = 0; index < jobs.length; index++) {
    const job = jobs[index]!;
    if (job.ready === 0) continue;
    const leader = jobs[best];
    const isBetter =
      leader === undefined ||
      job.rendering < leader.rendering ||
      (job.rendering === leader.rendering && job.servedAt < leader.servedAt);
    if (isBetter) best = index;
  }
  return best;
}

/**
 * How many tiles to ask each job's consumer for.
 *
 * A dry job is probed with one tile at a time, those first that were not asked for the longest time, and at most `slots`
 * probes are out, or `HUNGRY_PROBES` times as many while a slot has nothing to do. They do not count against the depth, or
 * finished jobs would keep slots from the others while their pulls wait.
 * @returns one number per job. Over all: buffered + outstanding + rendering ≤ depth, plus the probes.
 */
export function planPulls(jobs: readonly JobLoad[], slots: number, depth: number): number[] {
  const wants = jobs.map(() => 0);
  const loads = jobs.map((job) => job.buffered + job.rendering + job.outstanding);
  const isProbe = (job: JobLoad) => job.isDry && job.outstanding <= 1;
  let waiting = 0;
  let rendering = 0;
  let probes = 0;
  for (const job of jobs) {
    rendering += job.rendering;
    waiting += job.buffered + (isProbe(job) ? 0 : job.outstanding);
    if (isProbe(job)) probes += job.outstanding;
  }
  // Small pulls cost as much as large ones, so a deep buffer is refilled by quarters; a slot that would idle never waits.
  const free = depth - waiting - rendering;
  const isStarving = waiting === 0;
  if (free > 0 && (isStarving || free >= Math.floor(depth / 4))) {
    for (let tile = 0; tile < free; tile++) {
      const index = leastLoaded(jobs, loads, wants);
      if (index < 0) break;
      wants[index]!++;
    }
  }
  const probesMax = waiting + rendering < slots ? HUNGRY_PROBES * slots : slots;
  const dry = [...jobs.keys()].filter((index) => {
    const { isDry, canPull, outstanding } = jobs[index]!;
    return isDry && canPull && outstanding === 0;
  });
  dry.sort((a, b) => jobs[a]!.askedAtMs - jobs[b]!.askedAtMs);
  for (const index of dry.slice(0, Math.max(0, probesMax - probes))) wants[index] = 1;
  return wants;
}

function leastLoaded(jobs: readonly JobLoad[], loads: readonly number[], wants: readonly number[]): number {
  let best = -1;
  for (let index = 0; index < jobs.length; index++) {
    if (jobs[index]!.isDry || !jobs[index]!.canPull) continue;
    if (best < 0 || loads[index]! + wants[index]! < loads[best]! + wants[best]!) best = index;
  }
  return best;
}

/** What a simulated farm is like and what will happen to it: drawn from its seed before anything begins. */
import type { Digest, JobId, NodeId, PlanId } from '#shared/domain/ids.js';
import { type JobRecord, renderSettingsSchema } from '#shared/domain/job.js';
import { jobScheduleSchema } from '#shared/domain/schedule.js';
import { Random } from './random.js';

export type NodeKind =
  | 'good'
  /** Now and then an attempt fails. */
  | 'flaky'
  /** Every attempt fails. */
  | 'bad'
  /** Now and then, or always, other pixels than those of the scene. */
  | 'wrong pixels'
  /** Now and then a result whose bytes are damaged, or that the stitcher cannot use. */
  | 'unusable'
  | 'slow';

export interface NodePlan {
  readonly nodeId: NodeId;
  readonly slots: number;
  readonly kind: NodeKind;
  /** Of what it does by its kind. */
  readonly rate: number;
  /** Its time for a tile, of a usual node's. */
  readonly slowness: number;
}

/** `fails` everywhere; `cannot work`: the same, and the agent says so; `kills` whatever agent renders it. */
export type Poison = 'fails' | 'cannot work' | 'kills';

export interface JobPlan {
  readonly record: JobRecord;
  readonly tilesPerFrame: number;
  readonly tileMs: number;
  readonly submittedAtMs: number;
  /** By `frame/tile`. */
  readonly poison: ReadonlyMap<string, Poison>;
  /** Its failed frames are asked for again, the first time that it has ended with some. */
  readonly isRetried: boolean;
}

export type FaultKind =
  | 'kill agent'
  | 'freeze agent'
  | 'cut agent'
  | 'drain agent'
  | 'kill coordinator'
  | 'kill server'
  | 'lose tiles'
  | 'lose results';

export interface Fault {
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly forMs: number;
  /** Index of the node. */
  readonly node: number;
}

/** Breaks the coordinator on purpose: whatever the audit is worth shows in whether it notices. */
export type Sabotage =
  | 'lost nodes are ignored'
  | 'failures count twice'
  | 'avoid lists are dropped'
  | 'missing tiles are not looked for'
  | 'second opinions are not asked for'
  | 'ended jobs are not cleared'
  | 'losses are not counted'
  | 'tiles that wait for a slot are taken for lost'
  | 'nobody is blamed';

export interface FarmPlan {
  readonly seed: number;
  readonly nodes: readonly NodePlan[];
  readonly jobs: readonly JobPlan[];
  readonly faults: readonly Fault[];
  /** From then on nothing goes wrong by chance any more. */
  readonly calmAtMs: number;
  readonly latencyMsMax: number;
  readonly heartbeatLoss: number;
  /** Of messages that come twice, or late, or whose answer is lost. */
  readonly messageTrouble: number;
  readonly sabotage: Sabotage | undefined;
}

const FAULT_KINDS: readonly FaultKind[] = [
  ...(['kill agent', 'kill agent', 'freeze agent', 'cut agent', 'drain agent'] as const),
  ...(['kill coordinator', 'kill coordinator', 'kill server', 'lose tiles', 'lose results'] as const),
];
const TILE_PX = 16;
const TILES_MS = [50, 300, 1_500];
/** Slots stay busy for longer than whoever watches the queue looks. */
const LONG_TILES_MS = [1_500, 6_000, 12_000];
const LONG_TILES_DRAW = 2 ** 34;

export interface SimulationOptions {
  readonly sabotage?: Sabotage | undefined;
}

export function farmPlan(seed: number, { sabotage }: SimulationOptions = {}): FarmPlan {
  const random = new Random(seed);
  // One bad node among good ones, and nothing else: then it can be said how soon it must be found out.
  const isBadAlone = random.chance(0.05);
  const nodeCount = random.whole(isBadAlone ? 2 : 1, 6);
  const isGoodLikely = random.chance(0.5);
  const nodes = Array.from({ length: nodeCount }, (_, index) => {
    const node = nodePlan(random, index, isGoodLikely);
    if (!isBadAlone) return node;
    return { ...node, kind: index === 0 ? ('bad' as const) : ('good' as const), slowness: 1 };
  });
  const calmAtMs = isBadAlone || random.chance(0.2) ? 0 : random.between(5_000, 40_000);
  const jobCount = random.whole(1, 3);
  // Drawn apart, so that the other farms of known seeds stay what they were.
  const tileTimes = new Random(seed + LONG_TILES_DRAW).chance(0.15) ? LONG_TILES_MS : TILES_MS;
  const jobs = Array.from({ length: jobCount }, (_, index) =>
    jobPlan(random, seed, index, calmAtMs, tileTimes),
  );
  const faultCount = calmAtMs === 0 ? 0 : random.whole(0, 10);
  const faults = Array.from({ length: faultCount }, () => ({
    kind: random.pick(FAULT_KINDS),
    atMs: random.between(0, calmAtMs),
    forMs: random.pick([200, 2_000, 6_000, 20_000, 45_000]) * random.between(0.5, 1.5),
    node: random.whole(0, nodeCount - 1),
  }));
  const isTroubled = calmAtMs > 0 && random.chance(0.6);
  return {
    seed,
    nodes,
    jobs,
    faults,
    calmAtMs,
    latencyMsMax: random.pick([3, 30, 300]),
    heartbeatLoss: isTroubled ? random.pick([0, 0.05, 0.3]) : 0,
    messageTrouble: isTroubled ? random.pick([0, 0.02, 0.1]) : 0,
    sabotage,
  };
}

function nodePlan(random: Random, index: number, isGoodLikely: boolean): NodePlan {
  const odd = ['flaky', 'bad', 'wrong pixels', 'unusable', 'slow'] as const;
  const kind = random.chance(isGoodLikely ? 0.95 : 0.5) ? 'good' : random.pick(odd);
  return {
    nodeId: `node-${index}` as NodeId,
    slots: random.whole(1, 3),
    kind,
    rate: random.pick([0.1, 0.5, 1]),
    slowness: kind === 'slow' ? random.between(10, 60) : random.between(0.5, 2),
  };
}

function jobPlan(
  random: Random,
  seed: number,
  index: number,
  calmAtMs: number,
  tileTimes: readonly number[],
): JobPlan {
  const tilesPerFrame = random.chance(0.5) ? random.whole(2, 8) : random.whole(2, 30);
  const frames = Array.from({ length: random.whole(1, tilesPerFrame > 15 ? 2 : 4) }, (_, frame) => frame + 1);
  const poison = new Map<string, Poison>();
  const poisoned = random.chance(0.3) ? random.whole(1, 3) : 0;
  for (let one = 0; one < poisoned; one++) {
    const key = `${random.pick(frames)}/${random.whole(0, tilesPerFrame - 1)}`;
    poison.set(key, random.pick(['fails', 'fails', 'cannot work', 'kills'] as const));
  }
  const widthPx = TILE_PX * tilesPerFrame;
  const record: JobRecord = {
    jobId: `job-${index}` as JobId,
    name: `job ${index}`,
    studio: `studio-${random.whole(0, 1)}` as JobRecord['studio'],
    idempotencyKey: `key-${index}` as JobRecord['idempotencyKey'],
    requestDigest: 'ab'.repeat(32) as Digest,
    manifest: { entry: 's', files: [] } as unknown as JobRecord['manifest'],
    frames,
    settings: { ...SETTINGS, widthPx, heightPx: TILE_PX },
    plan: { planId: `plan-${seed}-${index}` as PlanId, tileWidthPx: TILE_PX, tileHeightPx: TILE_PX },
    tile: `${TILE_PX}`,
    maxAttempts: random.whole(1, 5),
    verify: random.pick([0, 0, 0.3, 1]),
    tileTimeLimitMs: 0,
    schedule: SCHEDULE,
    warnings: [],
    createdAtMs: 0,
  };
  return {
    record,
    tilesPerFrame,
    tileMs: random.pick(tileTimes) * random.between(0.5, 1.5),
    submittedAtMs: index === 0 ? 0 : random.between(0, Math.max(1_000, calmAtMs / 2)),
    poison,
    isRetried: random.chance(0.3),
  };
}

const SCHEDULE = jobScheduleSchema.parse({});
const SETTINGS = renderSettingsSchema.parse({ renderer: 'synthetic', widthPx: TILE_PX, heightPx: TILE_PX });

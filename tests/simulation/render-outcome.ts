/** What comes of a tile on a node: the pixels of the scene, other pixels, damaged bytes, or a failure. */
import type { NodePlan } from './farm-plan.js';
import type { FarmWorld } from './farm-world.js';
import type { ResultOutcome } from './result-log.js';
import type { TileMessage } from './tile-queue.js';

/** What every node that is right gives for a tile. */
export function rightPixels({ jobId, frame, tile }: Pick<TileMessage, 'jobId' | 'frame' | 'tile'>): string {
  return `${jobId}/${frame}/${tile}`;
}

/** The stitcher finds values that are not finite. */
export function isUnusable(pixels: string): boolean {
  return pixels.startsWith('NaN');
}

export function renderTimeMs(world: FarmWorld, node: NodePlan, tile: TileMessage): number {
  const { tileMs } = world.jobs.get(tile.jobId)!.plan;
  return tileMs * world.random.between(0.5, 1.5) * node.slowness;
}

export function renderOutcome(world: FarmWorld, node: NodePlan, tile: TileMessage): ResultOutcome {
  const { random, audit } = world;
  const poison = world.jobs.get(tile.jobId)!.plan.poison.get(`${tile.frame}/${tile.tile}`);
  const goesWrong = node.kind === 'bad' || random.chance(node.rate);
  if (poison || (goesWrong && (node.kind === 'bad' || node.kind === 'flaky'))) {
    audit.attemptFailed(node.nodeId, tile);
    const code = poison ? 'SCENE_INVALID' : 'RENDER_FAILED';
    return { kind: 'failed', code, permanent: poison === 'cannot work' };
  }
  const right = rightPixels(tile);
  if (goesWrong && node.kind === 'wrong pixels') {
    // The same wrong pixels each time, or others.
    const how = node.slots === 1 ? '' : ` ${random.whole(0, 1e6)}`;
    audit.attemptFailed(node.nodeId, tile);
    return { kind: 'rendered', pixels: `${right} of ${node.nodeId}${how}`, isGarbled: false };
  }
  if (goesWrong && node.kind === 'unusable') {
    audit.attemptFailed(node.nodeId, tile);
    const isGarbled = random.chance(0.5);
    return { kind: 'rendered', pixels: isGarbled ? right : `NaN ${node.nodeId}`, isGarbled };
  }
  return { kind: 'rendered', pixels: right, isGarbled: false };
}

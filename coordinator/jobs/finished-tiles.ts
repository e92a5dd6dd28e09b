/** Who rendered which tile of a frame: in columns, as its record keeps it, and tile by tile, as it is read. */
import type { NodeId } from '#shared/domain/ids.js';
import type { TileColumns } from '../adapters/store/records.js';
import type { PlacedResult } from './live-frame.js';

export interface FinishedTile {
  readonly tile: number;
  readonly nodeId: NodeId;
  readonly attempt: number;
  /** Wall time in a slot's thread. */
  readonly renderMs: number;
  /** Who gave the same pixels, for a verified tile. */
  readonly agreedNodeId: NodeId | undefined;
}

type Rendered = Pick<PlacedResult, 'nodeId' | 'attempt' | 'renderMs' | 'agreedNodeId'>;

/** @param results by tile; none where a tile is not done. */
export function tileColumns(results: readonly (Rendered | undefined)[]): TileColumns {
  const indexes = new Map<NodeId, number>();
  const indexOf = (nodeId: NodeId | undefined): number => {
    if (nodeId === undefined) return -1;
    const known = indexes.get(nodeId) ?? indexes.size;
    indexes.set(nodeId, known);
    return known;
  };
  const nodes = results.map((result) => indexOf(result?.nodeId));
  const agreedNodes = results.map((result) => indexOf(result?.agreedNodeId));
  return {
    nodes,
    attempts: results.map((result) => result?.attempt ?? 0),
    renderMs: results.map((result) => Math.round(result?.renderMs ?? 0)),
    agreedNodes: agreedNodes.some((index) => index >= 0) ? agreedNodes : [],
    nodeIds: [...indexes.keys()],
  };
}

/** In tile order, without tiles that are not done. */
export function finishedTiles({
  nodeIds,
  nodes,
  attempts,
  renderMs,
  agreedNodes,
}: TileColumns): FinishedTile[] {
  const tiles: FinishedTile[] = [];
  for (const [tile, node] of nodes.entries()) {
    const nodeId = nodeIds[node];
    if (nodeId === undefined) continue;
    tiles.push({
      tile,
      nodeId,
      attempt: attempts[tile]!,
      renderMs: renderMs[tile]!,
      agreedNodeId: nodeIds[agreedNodes[tile] ?? -1],
    });
  }
  return tiles;
}

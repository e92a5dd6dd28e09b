import { expect, it } from 'vitest';
import { nodeIdSchema } from '#shared/domain/ids.js';
import { toWireFrame } from '../adapters/grpc/to-wire.js';
import { frameResultSchema } from '../adapters/store/records.js';
import { finishedTiles, tileColumns } from './finished-tiles.js';

const [A, B] = [nodeIdSchema.parse('a'), nodeIdSchema.parse('b')];
const RESULTS = [
  { nodeId: B, attempt: 1, renderMs: 10.4 },
  undefined,
  { nodeId: A, attempt: 3, renderMs: 1_200.6, agreedNodeId: B },
];
const TILES = [
  { tile: 0, nodeId: B, attempt: 1, renderMs: 10, agreedNodeId: undefined },
  { tile: 2, nodeId: A, attempt: 3, renderMs: 1_201, agreedNodeId: B },
];

it('columns say of each finished tile who rendered it, and nothing of others', () => {
  const columns = tileColumns(RESULTS);
  expect(columns).toEqual({
    ...{ nodeIds: [B, A], nodes: [0, -1, 1], attempts: [1, 0, 3], renderMs: [10, 0, 1_201] },
    agreedNodes: [-1, -1, 0],
  });
  expect(finishedTiles(columns)).toEqual(TILES);
});

it('the column of who agreed is empty where no tile was verified', () => {
  expect(tileColumns(RESULTS.slice(0, 2)).agreedNodes).toEqual([]);
});

it('a frame says it on the wire where it is asked to, by its record, and an older one says nothing', () => {
  const older = {
    ...{ state: 'finished', frame: 3, tilesTotal: 3, tilesDone: 2, coreSeconds: 1, finishedAtMs: 1 },
    ...{ nodeIds: [B, A], files: [] },
  };
  const frame = frameResultSchema.parse({ ...older, tiles: tileColumns(RESULTS) });
  expect(toWireFrame(frame).finishedTiles).toEqual([]);
  expect(toWireFrame(frame, true).finishedTiles).toEqual(
    TILES.map((tile) => ({ ...tile, agreedNodeId: tile.agreedNodeId ?? '' })),
  );
  expect(toWireFrame(frameResultSchema.parse(older), true).finishedTiles).toEqual([]);
});

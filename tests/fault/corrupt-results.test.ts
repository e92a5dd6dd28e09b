/**
 * Results that are not what they say, one way after the other: none of them is ever seen in a frame, each is counted
 * against its node, and the job finishes by others.
 */
import { deflateSync } from 'node:zlib';
import { headers } from '@nats-io/transport-node';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { encodeMessage, RESULT_HEADER, type ResultMeta, type TileMessage } from '#shared/bus/messages.js';
import { nodeIdSchema } from '#shared/domain/ids.js';
import { regionHeightPx, regionPixels, regionWidthPx } from '#shared/domain/region.js';
import { encodeTile } from '#shared/image/tile-codec.js';
import { LIMITS } from '#shared/limits.js';
import { type CoordinatorFarm, startCoordinatorFarm } from '#tests/support/coordinator-farm.js';
import { digestOf, type Reply } from '#tests/support/fake-agent.js';
import { farmCalls, SCENE, spec } from '#tests/support/farm-calls.js';
import { pixelDigests } from '#tests/support/pixel-digests.js';

/** Of twelve. */
const BAD_TILES = [3, 7];
const BAD_NODE = nodeIdSchema.parse('bad-node');

let farm: CoordinatorFarm;
let studio: ReturnType<typeof farmCalls>;
let wanted: string[];

beforeAll(async () => {
  farm = await startCoordinatorFarm();
  studio = farmCalls(farm);
  await farm.start();
  await studio.upload(SCENE);
  wanted = (await renderedWith(() => undefined)).digests;
});
afterEach(async () => {
  await studio.cancelAll();
});
afterAll(async () => {
  await farm[Symbol.asyncDispose]();
});

/** One part of one result, as it goes over the wire. */
interface Part {
  readonly meta: object;
  readonly bytes: Uint8Array;
  readonly subjectPart?: number;
}
type Corrupt = (rendered: Reply, tile: TileMessage) => readonly Part[] | undefined;

/** One frame, whose bad tiles' first attempts are answered by the bad node. */
async function renderedWith(corrupt: Corrupt, badTiles: readonly number[] = BAD_TILES) {
  const { job } = await studio.submit(spec({ frames: '1' }));
  const jobId = job!.jobId;
  const agent = await studio.agent(jobId, {
    nodeId: 'good-node',
    replies: (tile, rendered) => {
      if (tile.attempt > 1 || !badTiles.includes(tile.tile)) return [rendered];
      const parts = corrupt({ ...rendered, meta: { ...rendered.meta, nodeId: BAD_NODE } }, tile);
      if (!parts) return [rendered];
      for (const part of parts) publish(tile, part);
      // Acknowledged all the same: the bad node believes that it is done.
      return [];
    },
  });
  const events = await studio.ended(jobId);
  await agent.stop();
  await studio.cleared(jobId);
  const { progress } = await studio.get(jobId);
  return { digests: await pixelDigests(studio, jobId), tiles: agent.tiles, events, progress };
}

function publish(tile: TileMessage, { meta, bytes, subjectPart = 0 }: Part): void {
  const partHeaders = headers();
  partHeaders.set(RESULT_HEADER, new TextDecoder().decode(encodeMessage(meta)));
  const { connection, names } = farm.bus;
  connection.publish(names.result(tile, subjectPart), bytes, { headers: partHeaders });
}

const rendered = (reply: Reply) => {
  const { outcome } = reply.meta;
  if (outcome.kind !== 'rendered') throw new Error('the fake agent renders');
  return outcome;
};
/** Well-formed, with a true size and digest: only what is inside is wrong. */
const honestly = ({ meta }: Reply, bytes: Uint8Array): Part[] => [
  {
    bytes,
    meta: { ...meta, outcome: { kind: 'rendered', digest: digestOf(bytes), sizeBytes: bytes.length } },
  },
];
const lying = (reply: Reply, lie: Partial<ReturnType<typeof rendered>>): Part[] => [
  { bytes: reply.bytes, meta: { ...reply.meta, outcome: { ...rendered(reply), ...lie } } },
];
const inParts = (reply: Reply, partCount: number, parts: readonly [number, Uint8Array][]): Part[] =>
  parts.map(([part, bytes]) => ({ bytes, subjectPart: part, meta: { ...reply.meta, part, partCount } }));
const pixels = ({ region }: TileMessage, layer: 'beauty' | 'albedo', value: number) => ({
  name: layer,
  data: new Float32Array(regionPixels(region) * (layer === 'beauty' ? 4 : 3)).fill(value),
});
const sizeOf = ({ region }: TileMessage): [number, number] => [regionWidthPx(region), regionHeightPx(region)];
const half = (bytes: Uint8Array) => bytes.length >> 1;

const REFUSED: readonly [string, Corrupt][] = [
  ['has one byte too few', (reply) => [{ meta: reply.meta, bytes: reply.bytes.subarray(1) }]],
  [
    'has one byte too many',
    (reply) => [{ meta: reply.meta, bytes: Buffer.concat([reply.bytes, Buffer.of(0)]) }],
  ],
  ['has a flipped bit', (reply) => [{ meta: reply.meta, bytes: flipped(reply.bytes) }]],
  ['has the digest of another', (reply) => lying(reply, { digest: digestOf(Buffer.from('another')) })],
  ['says that it is 272 MiB', (reply) => lying(reply, { sizeBytes: LIMITS.resultBytesMax })],
  ['is empty', (reply) => [{ meta: reply.meta, bytes: new Uint8Array(0) }]],
  [
    'is put together of parts of two attempts',
    (reply, tile) => {
      const other = encodeTile([pixels(tile, 'beauty', 0.5)], ...sizeOf(tile));
      return inParts(reply, 2, [
        [0, reply.bytes.subarray(0, half(reply.bytes))],
        [1, other.subarray(half(other))],
      ]);
    },
  ],
  [
    'brings its parts in exchanged places',
    (reply) =>
      inParts(reply, 2, [
        [1, reply.bytes.subarray(0, half(reply.bytes))],
        [0, reply.bytes.subarray(half(reply.bytes))],
      ]),
  ],
];

/** Found when the frame is put together. */
const FOUND_INSIDE: readonly [string, Corrupt][] = [
  ['ends in the middle', (reply) => honestly(reply, reply.bytes.subarray(0, half(reply.bytes)))],
  ['is no tile', (reply) => honestly(reply, Buffer.from('no tile at all'))],
  ['is a deflated nothing', (reply) => honestly(reply, deflateSync(Buffer.alloc(4096)))],
  ['has bytes behind its end', (reply) => honestly(reply, Buffer.concat([reply.bytes, Buffer.alloc(100)]))],
  ['is not a number', (reply, tile) => honestly(reply, tileOf(tile, Number.NaN))],
  ['is infinite', (reply, tile) => honestly(reply, tileOf(tile, Number.POSITIVE_INFINITY))],
  [
    'has another layer',
    (reply, tile) => honestly(reply, encodeTile([pixels(tile, 'albedo', 0.5)], ...sizeOf(tile))),
  ],
  [
    'has a layer too many',
    (reply, tile) =>
      honestly(
        reply,
        encodeTile([pixels(tile, 'beauty', 0.5), pixels(tile, 'albedo', 0.5)], ...sizeOf(tile)),
      ),
  ],
  [
    'is a thousand times as large, all black',
    (reply) =>
      honestly(reply, encodeTile([{ name: 'beauty', data: new Float32Array(1024 ** 2 * 4) }], 1024, 1024)),
  ],
  [
    'has width and height exchanged',
    (reply, tile) =>
      honestly(
        reply,
        encodeTile([pixels(tile, 'beauty', 0.5)], ...(sizeOf(tile).reverse() as [number, number])),
      ),
  ],
];

/** Never whole, or no message of the farm: nobody counts it, and the tile is found missing. */
const NEVER_A_RESULT: readonly [string, Corrupt][] = [
  ['says two parts and is one', (reply) => inParts(reply, 2, [[0, reply.bytes]])],
  ['says 1024 parts and is the last one', (reply) => inParts(reply, 1024, [[1023, reply.bytes]])],
  ['is part 5 of 2', (reply) => inParts(reply, 2, [[5, reply.bytes]])],
  ['says that it is larger than any', (reply) => lying(reply, { sizeBytes: LIMITS.resultBytesMax + 1 })],
  ['says that it took less than no time', (reply) => [{ ...reply, meta: { ...reply.meta, renderMs: -1 } }]],
  ['is of another plan', (reply) => [{ ...reply, meta: { ...reply.meta, planId: 'another-plan' } }]],
];

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[bytes.length - 8]! ^= 16;
  return copy;
}
const tileOf = (tile: TileMessage, value: number) =>
  encodeTile([pixels(tile, 'beauty', value)], ...sizeOf(tile));

function expectRedone(tiles: readonly TileMessage[]): void {
  const again = tiles.filter(({ attempt }) => attempt > 1).map(({ tile, attempt }) => [tile, attempt]);
  expect(again.sort()).toEqual(BAD_TILES.map((tile) => [tile, 2]));
}

describe('no pixel of a result counts, and its node is named, when it', () => {
  it.each([...REFUSED, ...FOUND_INSIDE])('%s', async (_what, corrupt) => {
    const { digests, tiles, events, progress } = await renderedWith(corrupt);
    expect(digests).toEqual(wanted);
    expectRedone(tiles);
    expect(progress).toMatchObject({ tilesDone: 12, tilesFailed: 0, framesFinished: 1 });
    for (const kind of ['result_rejected', 'attempt_failed']) {
      const told = events.filter((event) => event.kind === kind);
      expect(told.map(({ tile, nodeId }) => [tile, nodeId]).sort(), kind).toEqual(
        BAD_TILES.map((tile) => [tile, BAD_NODE]),
      );
    }
  });
});

it('a tile is rendered again whose result is never whole, or no message of the farm', async () => {
  const { digests, tiles, progress } = await renderedWith(
    (reply, tile) => NEVER_A_RESULT[tile.tile]?.[1](reply, tile),
    NEVER_A_RESULT.map((_, tile) => tile),
  );
  expect(digests).toEqual(wanted);
  for (const [tile, [what]] of NEVER_A_RESULT.entries())
    expect(tiles.filter((one) => one.tile === tile).length, what).toBe(2);
  expect(tiles).toHaveLength(12 + NEVER_A_RESULT.length);
  expect(progress).toMatchObject({ tilesDone: 12, tilesFailed: 0, framesFinished: 1 });
});

describe('a first result that is right stays', () => {
  it.each<[string, (meta: ResultMeta) => object]>([
    ['a failure', (meta) => ({ ...meta, outcome: failure })],
    [
      'other pixels',
      (meta) => ({ ...meta, outcome: { kind: 'rendered', digest: digestOf(OTHER), sizeBytes: 5 } }),
    ],
  ])('when %s of the same attempt comes behind it', async (_what, change) => {
    const { digests, tiles } = await renderedWith((reply) => [
      reply,
      { bytes: OTHER, meta: change(reply.meta) },
    ]);
    expect(digests).toEqual(wanted);
    expect(tiles).toHaveLength(12);
  });
});
const OTHER = Buffer.from('other');
const failure = { kind: 'failed', code: 'RENDER_FAILED', message: 'too late', logTail: '', permanent: true };

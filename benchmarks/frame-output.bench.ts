/**
 * From the encoded tiles of a frame to its files on disk, as the coordinator does it (decode, check, stitch, tone-map,
 * encode, hash, fsync), beside sharp alone, which is handed the finished display pixels and only encodes them to memory.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { displayImage } from '#coordinator/frames/display.js';
import { encodeDisplay } from '#coordinator/frames/encode-display.js';
import { FramePool } from '#coordinator/frames/frame-pool.js';
import type { StitchRequest } from '#coordinator/frames/stitch-request.js';
import type { OutputFormat } from '#shared/domain/job.js';
import { decodeExr } from '#shared/image/exr-decode.js';
import { floatsToHalves } from '#shared/image/half.js';
import { invariant } from '#shared/invariant.js';
import type { Benchmark, Figures, Say } from './support/benchmark.js';
import { encodedTiles, noisyPicture, type Picture } from './support/noisy-picture.js';
import { type ScratchFolder, scratchFolder } from './support/scratch-folder.js';
import { median, rounded, timed } from './support/statistics.js';

const SIZES = [
  { size: '4K', widthPx: 3840, heightPx: 2160, rounds: 5 },
  { size: '8K', widthPx: 7680, heightPx: 4320, rounds: 3 },
] as const;
const TILE_PX = 256;
const VIEW = 'agx';

export const benchmark: Benchmark = {
  question: 'how many MP/s does a finished frame take to its files, beside sharp encoding alone?',
  async run(say) {
    await using folder = await scratchFolder();
    await using pool = new FramePool();
    const rows: Figures[] = [];
    for (const size of SIZES) rows.push(await measure(size, pool, folder, say));
    return { rows, targets: [] };
  },
};

async function measure(
  { size, widthPx, heightPx, rounds }: (typeof SIZES)[number],
  pool: FramePool,
  folder: ScratchFolder,
  say: Say,
): Promise<Figures> {
  say(`${size}: ${widthPx}x${heightPx}, tiles of ${TILE_PX} px, ${rounds} rounds each …`);
  const picture = noisyPicture(widthPx, heightPx);
  const tiles = encodedTiles(picture, TILE_PX);
  const halves = floatsToHalves(picture.data);
  const display = await displayImage({ name: 'beauty', data: halves }, widthPx, heightPx, VIEW, 0);
  const farm = (formats: readonly OutputFormat[]) => {
    const request: StitchRequest = {
      ...{ widthPx, heightPx, layers: ['beauty'], folder: folder.path, baseName: size },
      ...{ formats, view: VIEW, exposureEv: 0, metadata: {} },
      // The pool takes the bytes for good: each round has its own.
      tiles: tiles.map((tile) => ({ ...tile, bytes: tile.bytes.slice() })),
    };
    return () => pool.stitch(request);
  };
  const ways = {
    sharp: () => () => encodeDisplay(display, 'png'),
    png: () => farm(['png']),
    exr: () => farm(['exr']),
    exrPng: () => farm(['exr', 'png']),
  };
  const ms: Record<keyof typeof ways, number[]> = { sharp: [], png: [], exr: [], exrPng: [] };
  // Round 0 warms the threads up; within a round all ways meet the same weather.
  for (let round = 0; round <= rounds; round++) {
    for (const [way, prepare] of Object.entries(ways) as [
      keyof typeof ways,
      () => () => Promise<unknown>,
    ][]) {
      const run = await timed(prepare());
      if (round > 0) ms[way].push(run.ms);
    }
  }
  await checkFiles(folder, size, picture, halves, await encodeDisplay(display, 'png'));
  const mpPerS = (way: keyof typeof ways) => rounded((widthPx * heightPx) / 1000 / median(ms[way]));
  return {
    size,
    tiles: tiles.length,
    sharpPngMpPerS: mpPerS('sharp'),
    stitchPngMpPerS: mpPerS('png'),
    stitchExrMpPerS: mpPerS('exr'),
    stitchExrPngMpPerS: mpPerS('exrPng'),
    pngRatio: rounded(median(ms.sharp) / median(ms.png)),
    exrPngRatio: rounded(median(ms.sharp) / median(ms.exrPng)),
  };
}

/** The EXR holds the halves that were sent, bit for bit; the PNG is the file that sharp alone made. */
async function checkFiles(
  folder: ScratchFolder,
  size: string,
  { widthPx, heightPx }: Picture,
  halves: Uint16Array,
  png: Buffer,
): Promise<void> {
  const exr = decodeExr(await readFile(join(folder.path, `${size}.exr`)));
  invariant(
    exr.widthPx === widthPx && exr.heightPx === heightPx,
    `the EXR is ${exr.widthPx}x${exr.heightPx}`,
  );
  for (const [channel, name] of ['R', 'G', 'B', 'A'].entries()) {
    const plane = exr.planes.find((candidate) => candidate.name === name);
    invariant(plane, `the EXR has no channel ${name}`);
    const wrong = plane.data.findIndex((value, pixel) => value !== halves[4 * pixel + channel]);
    invariant(wrong < 0, `channel ${name} of the EXR is wrong at pixel ${wrong}`);
  }
  const written = await readFile(join(folder.path, `${size}.png`));
  const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  invariant(
    digest(written) === digest(png),
    'the PNG differs from the one that sharp made of the same pixels',
  );
  const { depth } = await sharp(written).metadata();
  invariant(depth === 'ushort', `the PNG has samples of type ${depth}`);
}

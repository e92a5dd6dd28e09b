/** Paints `wood.png`, the table of tea.pov: `npm run build && node dist/examples/tea/paint-wood.js`. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { fractalNoise, noise } from '../valley/noise.js';

/** The committed file, beside the sources. */
export const WOOD_FILE = fileURLToPath(new URL('../../../examples/tea/wood.png', import.meta.url));

const SIZE_PX = 192;
const BOARDS = 4;
const LIGHT = [158, 96, 52];
const DARK = [84, 44, 20];

/** A PNG of boards with grain; sRGB. The picture repeats in both directions. */
export async function woodPng(): Promise<Uint8Array> {
  const pixels = new Uint8Array(SIZE_PX * SIZE_PX * 3);
  for (let y = 0; y < SIZE_PX; y++)
    for (let x = 0; x < SIZE_PX; x++) {
      const colour = woodAt(x / SIZE_PX, y / SIZE_PX);
      pixels.set(colour, (y * SIZE_PX + x) * 3);
    }
  const raw = { width: SIZE_PX, height: SIZE_PX, channels: 3 } as const;
  return sharp(pixels, { raw }).png({ compressionLevel: 9, palette: false }).toBuffer();
}

/** @param u  along the grain, 0 to 1. @param v  across the boards, 0 to 1. */
function woodAt(u: number, v: number): number[] {
  const board = Math.floor(v * BOARDS);
  const across = v * BOARDS - board;
  const seed = board * 101;
  const wave = fractalNoise(u * 4, across * 3, seed, 3, 4) * 0.9;
  const rings = 0.5 + 0.5 * Math.sin((across * 5 + wave) * 9);
  const fibre = noise(u * 24, v * 96, seed + 9, 24) * 0.22;
  const seam = Math.min(across, 1 - across) < 0.018 ? 0.45 : 1;
  const tone = Math.min(1, Math.max(0, 0.62 - 0.38 * rings + fibre + 0.12 * Math.sin(seed)));
  return LIGHT.map((light, channel) => Math.round((DARK[channel] + (light - DARK[channel]) * tone) * seam));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(WOOD_FILE, await woodPng());

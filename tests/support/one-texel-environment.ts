/** Environment files that a test makes: black but for one grey texel, as Radiance .hdr and as OpenEXR. */
import { encodeExr } from '#shared/image/exr-encode.js';
import { floatsToHalves } from '#shared/image/half.js';

/** Flat RGBE. Source: Radiance, `color.c`: value = mantissa ÷ 256 × 2^(exponent − 128). */
export async function equirectangularHdr(
  widthPx: number,
  heightPx: number,
  column: number,
  row: number,
  radiance: number,
): Promise<Uint8Array> {
  const header = Buffer.from(
    `#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y ${heightPx} +X ${widthPx}\n`,
    'latin1',
  );
  const pixels = Buffer.alloc(widthPx * heightPx * 4);
  const exponent = Math.floor(Math.log2(radiance)) + 1;
  const mantissa = Math.round((radiance / 2 ** exponent) * 256);
  pixels.set([mantissa, mantissa, mantissa, exponent + 128], (row * widthPx + column) * 4);
  return Buffer.concat([header, pixels]);
}

/** The farm's own EXR, as one frame would be the environment of another. */
export async function equirectangularExr(
  widthPx: number,
  heightPx: number,
  column: number,
  row: number,
  radiance: number,
): Promise<Uint8Array> {
  const rgba = new Float32Array(widthPx * heightPx * 4);
  rgba.set([radiance, radiance, radiance, 1], (row * widthPx + column) * 4);
  const layers = [{ name: 'beauty', data: floatsToHalves(rgba) }] as const;
  const parts: { position: number; bytes: Uint8Array }[] = [];
  for await (const part of encodeExr({ widthPx, heightPx, layers })) parts.push(part);
  const file = new Uint8Array(Math.max(...parts.map(({ position, bytes }) => position + bytes.length)));
  for (const { position, bytes } of parts) file.set(bytes, position);
  return file;
}

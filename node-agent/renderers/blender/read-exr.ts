/**
 * Reads the one kind of file that a tile comes in: what Blender writes as multi-layer OpenEXR, float32, uncompressed, one
 * view layer. Strict, since Blender says that it is finished too when the disk took half of the file.
 */
import { LAYERS, type LayerName, type LayerPixels } from '#shared/domain/layers.js';
import { FarmError } from '#shared/errors.js';
import { decodeExrHeader, type ExrHeader } from '#shared/image/exr-decode.js';

/**
 * Our layer → Blender's pass. Of the two that could be albedo it is the denoiser's: it has metal and glass too, which are
 * black in the diffuse colour. The last part of a channel's name is ours too, but for depth-like ones in newer
 * versions.
 */
const PASSES: Readonly<Record<LayerName, string>> = {
  beauty: 'Combined',
  albedo: 'Denoising Albedo',
  normal: 'Normal',
  depth: 'Depth',
  position: 'Position',
  emission: 'Emit',
  ao: 'AO',
  mist: 'Mist',
};
const SAMPLE_BYTES = 4;
/** Each line of pixels comes with its number and its length. */
const LINE_HEAD_BYTES = 8;
const OFFSET_BYTES = 8;

/**
 * @param file    the whole file.
 * @returns       the layers in the order of `names`, each `heightPx × widthPx × channels`, row-major.
 * @throws RENDER_FAILED when it is cut short, has another size or lacks a pass, or when a pixel is not finite.
 */
export function readTileExr(
  file: Buffer,
  widthPx: number,
  heightPx: number,
  names: readonly LayerName[],
): LayerPixels[] {
  const header = headerOf(file);
  checkHeader(header, widthPx, heightPx);
  const lineBytes = header.channels.length * widthPx * SAMPLE_BYTES;
  checkLength(file, header, lineBytes, heightPx);
  const layers = names.map((name) => ({
    name,
    data: new Float32Array(heightPx * widthPx * LAYERS[name].channels.length),
  }));
  const places = layers.map(({ name }) => channelPlaces(header, name));
  // A line at a time where floats are aligned: four times faster than to read each where it is in the file.
  const samples = new Float32Array(lineBytes / SAMPLE_BYTES);
  const bytes = new Uint8Array(samples.buffer);
  for (let line = 0; line < heightPx; line++) {
    const start = lineStart(file, header, line, lineBytes, heightPx);
    bytes.set(file.subarray(start, start + lineBytes));
    for (const [which, { data }] of layers.entries()) {
      const channels = places[which]!;
      for (const [channel, place] of channels.entries()) {
        const first = place * widthPx;
        let to = line * widthPx * channels.length + channel;
        for (let x = 0; x < widthPx; x++, to += channels.length) data[to] = samples[first + x]!;
      }
    }
  }
  for (const layer of layers) checkFinite(layer, widthPx);
  return layers;
}

function headerOf(file: Buffer): ExrHeader {
  try {
    return decodeExrHeader(file);
  } catch (error) {
    throw failed(`is not complete (${(error as Error).message})`, error);
  }
}

function checkHeader(header: ExrHeader, widthPx: number, heightPx: number): void {
  const { xMin, yMin, xMax, yMax } = header.dataWindow;
  const [width, height] = [xMax - xMin + 1, yMax - yMin + 1];
  if (width !== widthPx || height !== heightPx)
    throw failed(`has ${width}x${height} px where ${widthPx}x${heightPx} were asked for`);
  if (header.compression !== 'none') throw failed(`is compressed (${header.compression})`);
  const other = header.channels.find(({ sampleType }) => sampleType !== 'float');
  if (other) throw failed(`has a channel ${JSON.stringify(other.name)} that is not float`);
}

function checkLength(file: Buffer, header: ExrHeader, lineBytes: number, heightPx: number): void {
  const wanted = header.headerBytes + heightPx * (OFFSET_BYTES + LINE_HEAD_BYTES + lineBytes);
  if (file.length < wanted)
    throw failed(`has ${file.length} bytes of ${wanted}: the disk took no more of it`);
}

/** Where each channel of a layer is among the file's. */
function channelPlaces(header: ExrHeader, name: LayerName): number[] {
  const { channels } = LAYERS[name];
  return channels.map((channel) => {
    const suffixes = channel === 'Z' && channels.length === 1 ? ['Z', 'V'] : [channel];
    const ends = suffixes.map((suffix) => `.${PASSES[name]}.${suffix}`);
    const found = header.channels.flatMap((known, place) =>
      ends.some((end) => known.name.endsWith(end)) ? [place] : [],
    );
    if (found.length !== 1)
      throw failed(`has ${found.length} channels "${PASSES[name]}.${channel}" instead of 1`);
    return found[0]!;
  });
}

function lineStart(file: Buffer, header: ExrHeader, index: number, lineBytes: number, heightPx: number) {
  const offset = Number(file.readBigUInt64LE(header.headerBytes + OFFSET_BYTES * index));
  if (
    offset < header.headerBytes + OFFSET_BYTES * heightPx ||
    offset + LINE_HEAD_BYTES + lineBytes > file.length
  )
    throw failed(`is not complete: line ${index} is missing`);
  const line = file.readInt32LE(offset) - header.dataWindow.yMin;
  if (line !== index || file.readInt32LE(offset + 4) !== lineBytes)
    throw failed(`claims line ${line} where ${index} is`);
  return offset + LINE_HEAD_BYTES;
}

function checkFinite({ name, data }: LayerPixels, widthPx: number): void {
  let bad = 0;
  let first = -1;
  for (let index = 0; index < data.length; index++) {
    if (Number.isFinite(data[index])) continue;
    bad++;
    if (first < 0) first = index;
  }
  if (bad === 0) return;
  const pixel = Math.floor(first / LAYERS[name].channels.length);
  const all = bad === data.length ? 'all' : `${bad} of ${data.length}`;
  throw failed(
    `has ${all} values of layer ${name} infinite or not a number, the first at pixel ${pixel % widthPx},${Math.floor(pixel / widthPx)} of the tile: look for extreme values in materials and lights`,
  );
}

function failed(why: string, cause?: unknown): FarmError {
  return new FarmError('RENDER_FAILED', `the picture that Blender wrote ${why}`, {}, { cause });
}

/** The thread that makes frames: decodes and checks tiles, stitches them, writes every format asked for. */
import { join } from 'node:path';
import type { Digest } from '#shared/domain/ids.js';
import type { OutputFormat } from '#shared/domain/job.js';
import { LAYERS } from '#shared/domain/layers.js';
import { type Region, regionHeightPx, regionWidthPx } from '#shared/domain/region.js';
import { type ErrorCode, type ErrorDetails, FarmError, messageOf } from '#shared/errors.js';
import { encodeExr } from '#shared/image/exr-encode.js';
import { findNonFinite } from '#shared/image/half.js';
import { decodeTile, type LayerSamples } from '#shared/image/tile-codec.js';
import { type DisplayImage, displayImage, displayLayer } from './display.js';
import { encodeDisplay } from './encode-display.js';
import { FORMAT_EXTENSIONS } from './format-extensions.js';
import { finishFrame, placeTile, startFrame } from './stitch.js';
import type { StitchRequest, StitchResult, WrittenFile } from './stitch-request.js';
import { writeFrameFile } from './write-frame.js';

/** A FarmError as plain data: errors lose their code on the way out of a thread. */
export interface StitchFailure {
  readonly kind: 'failed';
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
}

export default async function stitchFrame(request: StitchRequest): Promise<StitchResult | StitchFailure> {
  try {
    return await stitch(request);
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    return { kind: 'failed', code: error.code, message: error.message, details: error.details };
  }
}

async function stitch(request: StitchRequest): Promise<StitchResult> {
  const frame = startFrame(request);
  const badTiles: { tile: number; reason: string }[] = [];
  for (const { tile, region, bytes } of request.tiles) {
    const decoded = decodeChecked(request, region, bytes);
    if (typeof decoded === 'string') badTiles.push({ tile, reason: decoded });
    else placeTile(frame, { region, layers: decoded });
  }
  if (badTiles.length > 0) return { kind: 'bad_tiles', tiles: badTiles };
  return { kind: 'written', files: await writeFormats(request, finishFrame(frame)) };
}

/** The tile's layers, or why it cannot be used. */
function decodeChecked(request: StitchRequest, region: Region, bytes: Uint8Array): LayerSamples[] | string {
  const widthPx = regionWidthPx(region);
  const shape = { layers: request.layers, widthPx, heightPx: regionHeightPx(region) };
  let layers: LayerSamples[];
  try {
    layers = decodeTile(bytes, shape).layers;
  } catch (error) {
    if (error instanceof FarmError) return messageOf(error);
    throw error;
  }
  for (const { name, data } of layers) {
    const at = findNonFinite(data);
    if (at < 0) continue;
    const { channels } = LAYERS[name];
    const pixel = Math.floor(at / channels.length);
    const [x, y] = [region.x0 + (pixel % widthPx), region.y0 + Math.floor(pixel / widthPx)];
    return `layer ${name}, channel ${channels[at % channels.length]} is not a finite number at pixel ${x},${y}`;
  }
  return layers;
}

/** All formats at once: EXR compresses in the libuv pool, sharp in its own, while this thread prepares pixels. */
async function writeFormats(request: StitchRequest, layers: readonly LayerSamples[]): Promise<WrittenFile[]> {
  let display: Promise<DisplayImage> | undefined;
  const displayed = (): Promise<DisplayImage> => {
    display ??= displayImage(
      displayLayer(layers),
      request.widthPx,
      request.heightPx,
      request.view,
      request.exposureEv,
    );
    return display;
  };
  const write = async (format: OutputFormat): Promise<WrittenFile> => {
    const name = request.baseName + FORMAT_EXTENSIONS[format];
    const source =
      format === 'exr' ? encodeExr({ ...request, layers }) : await encodeDisplay(await displayed(), format);
    const { sizeBytes, digest } = await writeFrameFile(join(request.folder, name), source);
    return { format, name, sizeBytes, digest: digest as Digest };
  };
  // Settled, not raced: after a failure nothing may still be writing.
  const outcomes = await Promise.allSettled(request.formats.map(write));
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
}

/** From what a user asks for (`auto`, `128`, `256x128`) to a tile size; a pure function, so that a submit is repeatable. */

import { isProgram } from '#shared/domain/renderers.js';
import { FarmError } from '#shared/errors.js';
import { LIMITS } from '#shared/limits.js';

export interface TileSize {
  readonly tileWidthPx: number;
  readonly tileHeightPx: number;
}

export interface TileSizeInput {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly samples: number;
  /** Slots of the nodes known at submit; 0 when none is known. */
  readonly slots: number;
  readonly frames: number;
  readonly renderer: string;
}

/** Paths of one tile: a second or so of one core; far above the cost of a tile's way, far below what a kill may lose. */
const PATHS_PER_TILE = 400_000;
const AUTO_SIDE_PX_MAX = 256;
/**
 * A tile costs a warm Blender 15 to 300 ms beside its paths, and 50 times that keeps it below 2 %; POV-Ray takes 600 ms
 * to start (measured).
 */
const PATHS_PER_PROGRAM_TILE = 5_000_000;
const PROGRAM_SIDE_PX_MAX = 1024;
/** So that the last tiles of a job do not leave most slots idle. */
const TILES_PER_SLOT = 4;
const AUTO_STEP_PX = 16;
const AUTO_SIDE_PX_MIN = 32;

/** @throws JOB_SPEC_INVALID when `text` is not a tile size, or would cut a frame into too many tiles. */
export function tileSize(text: string, input: TileSizeInput): TileSize {
  if (text === 'auto') return autoTileSize(input);
  const match = /^(\d{1,5})(?:x(\d{1,5}))?$/.exec(text);
  if (!match) throw invalid(text, 'write auto, 128 or 256x128 (px)');
  const tileWidthPx = Number(match[1]);
  const tileHeightPx = match[2] === undefined ? tileWidthPx : Number(match[2]);
  // A tile larger than the frame is the whole frame: cut down first, so that "whole frame" can be asked for by a large number.
  const cut = {
    tileWidthPx: Math.min(tileWidthPx, input.widthPx),
    tileHeightPx: Math.min(tileHeightPx, input.heightPx),
  };
  for (const [asked, side, frameSide] of [
    [tileWidthPx, cut.tileWidthPx, input.widthPx],
    [tileHeightPx, cut.tileHeightPx, input.heightPx],
  ] as const) {
    const smallest = Math.min(LIMITS.tileSidePxMin, frameSide);
    if (side < smallest || side > LIMITS.tileSidePxMax)
      throw invalid(text, `${asked} px is outside ${LIMITS.tileSidePxMin} to ${LIMITS.tileSidePxMax} px`);
  }
  const count = tileCount(cut, input);
  if (count > LIMITS.tilesPerFrameMax)
    throw invalid(
      text,
      `it would cut ${input.widthPx}x${input.heightPx} px into ${count} tiles, more than ${LIMITS.tilesPerFrameMax}; take larger tiles`,
    );
  return cut;
}

function autoTileSize(input: TileSizeInput): TileSize {
  const isCostly = isProgram(input.renderer);
  const forCost = Math.sqrt((isCostly ? PATHS_PER_PROGRAM_TILE : PATHS_PER_TILE) / input.samples);
  const sideMaxPx = isCostly ? PROGRAM_SIDE_PX_MAX : AUTO_SIDE_PX_MAX;
  // The slots have each other's frames to go on with, where tiles are dear.
  const framesAtOnce = isCostly ? input.frames : 1;
  const tilesWanted = (input.slots * TILES_PER_SLOT) / framesAtOnce;
  const forSlots =
    tilesWanted > 1 ? Math.sqrt((input.widthPx * input.heightPx) / tilesWanted) : Number.POSITIVE_INFINITY;
  const side = Math.floor(Math.min(forCost, forSlots) / AUTO_STEP_PX) * AUTO_STEP_PX;
  let clamped = Math.min(sideMaxPx, Math.max(AUTO_SIDE_PX_MIN, side));
  const sized = () => ({
    tileWidthPx: Math.min(clamped, input.widthPx),
    tileHeightPx: Math.min(clamped, input.heightPx),
  });
  while (tileCount(sized(), input) > LIMITS.tilesPerFrameMax) clamped += AUTO_STEP_PX;
  return sized();
}

function tileCount(tile: TileSize, frame: { widthPx: number; heightPx: number }): number {
  return Math.ceil(frame.widthPx / tile.tileWidthPx) * Math.ceil(frame.heightPx / tile.tileHeightPx);
}

function invalid(text: string, why: string): FarmError {
  return new FarmError('JOB_SPEC_INVALID', `tile "${text.slice(0, 40)}": ${why}`, {
    tile: text.slice(0, 40),
  });
}

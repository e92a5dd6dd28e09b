/**
 * What the synthetic renderer does wrong on purpose, as its scene file asks: each fault is the real thing (a busy loop, a
 * full heap, a signal), since the farm's handling of faults is tested with them.
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Region } from '#shared/domain/region.js';
import { FarmError } from '#shared/errors.js';
import type { TileControl } from '../renderer.js';
import type { PrepareFault, SyntheticScene } from './scene-file.js';

/** How often a tile that goes wrong slowly asks whether it is cancelled. */
const ASK_EVERY_MS = 5;
/** Array buffers grow by this much between two questions: about 1.5 GB/s, as a renderer that runs away would. */
const GROW_BYTES = 8 * 1024 ** 2;
/** More than a process can address: V8 refuses it at once. */
const HUGE_BYTES = 2 ** 52;
/** After this an endless tile says that it is half done. */
const HALF_DONE_MS = 1_000;
const STALLED_AT_RATIO = 0.25;

/** @returns where nothing is asked for; throws RENDER_FAILED or RENDER_CANCELLED, ends the thread, or never comes back. */
export async function goWrongWhereAsked(
  scene: SyntheticScene,
  region: Region,
  control: TileControl,
): Promise<void> {
  const name = `${region.x0},${region.y0}`;
  const asksFor = (tiles: readonly string[]) => tiles.includes(name) || tiles.includes('*');
  const fault = TILE_FAULTS.find(([key]) => asksFor(scene[key]));
  if (!fault || !isFaultThere(scene)) return;
  await fault[1](name, control);
}

/** The same for the preparation of a frame, which has no control. */
export async function prepareWrongWhereAsked(scene: SyntheticScene): Promise<void> {
  if (scene.prepareFault === undefined || !isFaultThere(scene)) return;
  await PREPARE_FAULTS[scene.prepareFault]();
}

export function cancelled(): FarmError {
  return new FarmError('RENDER_CANCELLED', 'the tile was cancelled');
}

type Fault = (tile: string, control: TileControl) => void | Promise<void>;

/** What outlives its tile. */
const leaked: Uint8Array[] = [];

/** The first whose list names the tile is what happens. */
const TILE_FAULTS = [
  ['failTiles', fail],
  ['killTiles', () => void process.kill(process.pid, 'SIGKILL')],
  ['exitTiles', () => process.exit(3)],
  ['hangTiles', hang],
  ['crashTiles', (tile) => crash(`tile ${tile}`)],
  ['stallTiles', (_, control) => stayAlive(control, () => STALLED_AT_RATIO)],
  ['endlessTiles', (_, control) => stayAlive(control, (ms) => ms / (ms + HALF_DONE_MS))],
  ['heapTiles', fillHeap],
  ['bufferTiles', (_, control) => fillBuffers(control)],
  ['leakTiles', (_, control) => fillBuffers(control, leaked)],
  ['deafBufferTiles', () => fillBuffers(undefined)],
  ['hugeTiles', allocateHuge],
] as const satisfies readonly (readonly [keyof SyntheticScene, Fault])[];

const PREPARE_FAULTS: Readonly<Record<PrepareFault, () => void | Promise<void>>> = {
  hang,
  crash: () => crash('the preparation'),
  exit: () => process.exit(3),
  heap: fillHeap,
  buffers: () => fillBuffers(undefined),
  huge: allocateHuge,
};

function isFaultThere({ failWhileFile }: SyntheticScene): boolean {
  return failWhileFile === undefined || existsSync(join(tmpdir(), failWhileFile));
}

function fail(tile: string): never {
  console.warn(`synthetic: the scene asks for tile ${tile} to fail`);
  throw new FarmError('RENDER_FAILED', `tile ${tile} fails because its scene says so`);
}

function hang(): never {
  for (;;) Math.random();
}

/** Throws outside the promise of the renderer, which then never settles. */
async function crash(who: string): Promise<void> {
  setImmediate(() => {
    throw new Error(`${who} crashes its thread because its scene says so`);
  });
  await new Promise(() => undefined);
}

/** Never ends by itself. */
function stayAlive(control: TileControl, ratioAfter: (elapsedMs: number) => number): never {
  const startMs = performance.now();
  for (let askAtMs = startMs; ; ) {
    const nowMs = performance.now();
    if (nowMs < askAtMs) continue;
    if (control.isCancelled()) throw cancelled();
    control.progress(ratioAfter(nowMs - startMs));
    askAtMs = nowMs + ASK_EVERY_MS;
  }
}

function fillHeap(): never {
  const kept: unknown[] = [];
  for (;;) kept.push({ more: new Array(64).fill(kept.length) });
}

/** Written to, so that they are resident. Without a control it never asks. */
function fillBuffers(control: TileControl | undefined, kept: Uint8Array[] = []): never {
  for (;;) {
    kept.push(new Uint8Array(GROW_BYTES).fill(kept.length));
    const startMs = performance.now();
    while (performance.now() - startMs < ASK_EVERY_MS);
    if (control?.isCancelled()) throw cancelled();
  }
}

function allocateHuge(): void {
  new ArrayBuffer(HUGE_BYTES);
}

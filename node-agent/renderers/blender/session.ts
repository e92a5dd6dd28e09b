/**
 * The Blenders of one slot. One per scene file, kept from tile to tile, since opening a scene costs as much as a hundred
 * tiles; at most two, so that tiles of two jobs may alternate. Whatever goes wrong in one ends that one alone.
 */
import { isAbsolute, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { type Region, regionHeightPx, regionPixels, regionWidthPx } from '#shared/domain/region.js';
import { FarmError } from '#shared/errors.js';
import type { Installation, ProgramUse, Sandbox } from '../program/program.js';
import type { RenderedTile, Session, SessionContext, TileControl, TileRequest } from '../renderer.js';
import { PICTURE_BYTES_MAX } from './blender-command.js';
import { BlenderProcess } from './blender-process.js';
import { readTileExr } from './read-exr.js';

const PROCESSES_MAX = 2;
const ASK_EVERY_MS = 50;
/** A Blender that has grown to this many times what it took after its first tile has leaked: 1.01 is usual (measured). */
const GROWN_RATIO_MAX = 2;
/** Below this part of the slot's memory growth does not matter. */
const GROWN_PART_MIN = 0.5;
/** Every pass of ours in float32. */
const PIXEL_BYTES_MAX = 32 * 4;

interface WarmBlender {
  readonly process: BlenderProcess;
  readonly opened: Promise<void>;
  /** After its first tile; undefined before. */
  firstBytes: number | undefined;
}

export class BlenderSession implements Session {
  readonly #installation: Installation;
  readonly #sandbox: Sandbox;
  readonly #context: SessionContext;
  /** By what they were started with, in the order of last use. */
  readonly #warm = new Map<string, WarmBlender>();
  #retired: Promise<unknown> = Promise.resolve();

  constructor(installation: Installation, sandbox: Sandbox, context: SessionContext) {
    this.#installation = installation;
    this.#sandbox = sandbox;
    this.#context = context;
  }

  async render(tile: TileRequest, control: TileControl): Promise<RenderedTile> {
    checkSize(tile);
    // An end of an idle process that this thread, asleep between tiles, has not heard of yet.
    await turn();
    const key = keyOf(tile);
    let warm = this.#warm.get(key);
    const before = warm?.process.isGone === false ? warm.process.use().coreSeconds : 0;
    try {
      warm = await this.#warmFor(key, tile);
      const answer = renderIn(warm, tile);
      const file = await whileAsking(answer, control, () => this.#makeRoomFor(key));
      const use = warm.process.use();
      const layers = readTileExr(
        file,
        regionWidthPx(tile.region),
        regionHeightPx(tile.region),
        tile.settings.layers,
      );
      this.#recycle(key, warm, use);
      return { layers, use: { coreSeconds: use.coreSeconds - before, peakMemoryBytes: use.peakMemoryBytes } };
    } catch (error) {
      warm = this.#warm.get(key);
      if (warm) this.#writeLog(warm, error);
      // It may be in the middle of the tile, or hold a scene that it cannot render.
      this.#retire(key);
      throw error;
    }
  }

  /** Process ids of the Blenders that are kept, the one used last at the end. */
  pids(): number[] {
    return [...this.#warm.values()].map(({ process }) => process.pid);
  }

  async close(): Promise<void> {
    for (const key of [...this.#warm.keys()]) this.#retire(key);
    await this.#retired;
  }

  async #warmFor(key: string, tile: TileRequest): Promise<WarmBlender> {
    let warm = this.#warm.get(key);
    if (warm?.process.isGone) this.#retire(key);
    warm = this.#warm.get(key) ?? (await this.#start(tile));
    // Re-inserted last: the map's order is the order of use.
    this.#warm.delete(key);
    this.#warm.set(key, warm);
    for (const old of [...this.#warm.keys()].slice(0, -PROCESSES_MAX)) this.#retire(old);
    return warm;
  }

  async #start({ scene, settings }: TileRequest): Promise<WarmBlender> {
    const process = await BlenderProcess.start(
      {
        installation: this.#installation,
        sandbox: this.#sandbox,
        allowScripts: settings.allowScripts,
        threads: settings.threadsPerSlot,
        sceneFolder: scene.folder,
        memoryBytesMax: this.#context.slotMemoryBytes,
      },
      this.#context.scratchFolder,
    );
    const { sourceRoot, allowScripts, allowMissing } = settings;
    const opened = process.ready().then(() =>
      process.open({
        kind: 'open',
        folder: scene.folder,
        entry: scene.entry,
        sourceRoot: sourceRoot !== undefined && isUsableRoot(sourceRoot) ? sourceRoot : undefined,
        allowScripts,
        allowMissing,
      }),
    );
    // Whoever waits for it gets the error too.
    opened.catch(() => undefined);
    return { process, opened, firstBytes: undefined };
  }

  /** Idle Blenders go when the slot's memory does not hold them beside the one at work. */
  #makeRoomFor(key: string): void {
    if (this.#warm.size < 2) return;
    let bytes = 0;
    for (const { process } of this.#warm.values()) bytes += process.use().memoryBytes;
    if (bytes <= this.#context.slotMemoryBytes) return;
    for (const other of [...this.#warm.keys()]) if (other !== key) this.#retire(other);
  }

  #recycle(key: string, warm: WarmBlender, use: ProgramUse): void {
    warm.firstBytes ??= use.memoryBytes;
    const isLarge = use.memoryBytes > GROWN_PART_MIN * this.#context.slotMemoryBytes;
    if (isLarge && use.memoryBytes > GROWN_RATIO_MAX * warm.firstBytes) this.#retire(key);
  }

  #retire(key: string): void {
    const warm = this.#warm.get(key);
    this.#warm.delete(key);
    if (!warm) return;
    warm.process.kill();
    this.#retired = Promise.all([this.#retired, warm.process.close()]);
    this.#retired.catch(() => undefined);
  }

  /** The thread keeps what is written to standard error for the log of a failed attempt. */
  #writeLog({ process: blender }: WarmBlender, error: unknown): void {
    if (error instanceof FarmError && error.code === 'RENDER_CANCELLED') return;
    const log = blender.log();
    if (log !== '') process.stderr.write(`${log}\n`);
  }
}

async function renderIn({ process, opened }: WarmBlender, tile: TileRequest): Promise<Buffer> {
  await opened;
  const { scene, camera, viewLayer, widthPx, heightPx, samples, seed, layers } = tile.settings;
  const settings = { scene, camera, viewLayer, widthPx, heightPx, samples, seed, layers };
  return process.render({ frame: tile.frame, region: tile.region, settings });
}

/** Rejects with what the control throws, or as soon as the tile is cancelled. `look` is called between questions. */
function whileAsking<T>(answer: Promise<T>, control: TileControl, look: () => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const ask = () => {
      if (control.isCancelled()) throw new FarmError('RENDER_CANCELLED', 'the tile was cancelled');
      look();
    };
    const timer = setInterval(() => {
      try {
        ask();
      } catch (error) {
        clearInterval(timer);
        reject(error);
      }
    }, ASK_EVERY_MS);
    answer.then(resolve, reject).finally(() => clearInterval(timer));
    try {
      ask();
    } catch (error) {
      clearInterval(timer);
      reject(error);
    }
  });
}

/** What a Blender is started and its scene opened with; all else comes with each tile. */
function keyOf({ scene, settings }: TileRequest): string {
  const { allowScripts, allowMissing, threadsPerSlot, sourceRoot } = settings;
  return JSON.stringify([scene.folder, scene.entry, allowScripts, allowMissing, threadsPerSlot, sourceRoot]);
}

function checkSize({ region, settings }: TileRequest): void {
  if (!isInside(region, settings.widthPx, settings.heightPx))
    throw new FarmError(
      'RENDER_FAILED',
      `tile ${region.x0},${region.y0} to ${region.x1},${region.y1} is not inside ${settings.widthPx}x${settings.heightPx} px`,
    );
  if (regionPixels(region) * PIXEL_BYTES_MAX > PICTURE_BYTES_MAX)
    throw new FarmError(
      'RENDER_FAILED',
      `a tile of ${regionWidthPx(region)}x${regionHeightPx(region)} px makes a file above ${PICTURE_BYTES_MAX} bytes: ask for smaller tiles`,
    );
}

const isInside = ({ x0, y0, x1, y1 }: Region, widthPx: number, heightPx: number) =>
  x0 >= 0 && y0 >= 0 && x0 < x1 && y0 < y1 && x1 <= widthPx && y1 <= heightPx;

/** A root that holds everything would say that nothing is outside. */
const isUsableRoot = (path: string) =>
  (isAbsolute(path) && join(path, '/') !== '/') || /^[A-Za-z]:[\\/]./.test(path);

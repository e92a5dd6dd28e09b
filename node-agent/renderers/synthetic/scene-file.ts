/** The synthetic renderer's scene file: what its tiles cost, and which of them go wrong and how. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { FarmError, messageOf } from '#shared/errors.js';
import type { LocalScene } from '../renderer.js';

/** A scene file is a handful of numbers; anything near this size is something else. */
const SCENE_FILE_BYTES_MAX = 1024 * 1024;

/** A tile is named by its top-left pixel, `x,y`: a renderer sees regions, never tile numbers. `*` names every tile. */
const tileNames = z
  .array(
    z.string().regex(/^(\d{1,5},\d{1,5}|\*)$/, 'a tile is named by its top-left pixel, e.g. "64,0", or "*"'),
  )
  .max(4096)
  .default([]);

const PREPARE_FAULT_NAMES = ['hang', 'crash', 'exit', 'heap', 'buffers', 'huge'] as const;
export type PrepareFault = (typeof PREPARE_FAULT_NAMES)[number];

export const syntheticSceneSchema = z.strictObject({
  /** Busy time per tile, ms; the job's own setting where absent. */
  costMs: z.number().min(0).max(3_600_000).optional(),
  /** Time per tile that passes without work, ms: tiles that take long on a machine with few cores for many slots. */
  waitMs: z.number().min(0).max(3_600_000).default(0),
  /** Busy time of the preparation, ms. */
  prepareMs: z.number().min(0).max(3_600_000).default(0),
  /** These throw RENDER_FAILED. */
  failTiles: tileNames,
  /**
   * Tiles go wrong only while the node's temporary folder has a file of this name: a fault of the machine (a licence
   * that ran out, a full scratch disk) that somebody mends, after which a retry works. The name is fixed in its beginning,
   * so that no scene can ask for other files.
   */
  failWhileFile: z
    .string()
    .regex(/^guian-fault-[A-Za-z0-9_-]{1,64}$/, 'a file name such as "guian-fault-disk", without a folder')
    .optional(),
  /** These throw what is no FarmError, outside the renderer's own promise: the thread dies of it. */
  crashTiles: tileNames,
  /** These call process.exit(3). */
  exitTiles: tileNames,
  /** These never end and never ask whether they are cancelled. */
  hangTiles: tileNames,
  /** These are alive and heed a cancel, but their progress stays at a quarter. */
  stallTiles: tileNames,
  /** These are alive and heed a cancel; their progress creeps towards 1 and never gets there. */
  endlessTiles: tileNames,
  /** These fill the JS heap of their thread and never ask. */
  heapTiles: tileNames,
  /** These fill memory with array buffers, outside of the JS heap, and ask as they go. */
  bufferTiles: tileNames,
  /** The same, and the buffers outlive the tile. */
  leakTiles: tileNames,
  /** As `bufferTiles`, and never ask. */
  deafBufferTiles: tileNames,
  /** These ask for one array buffer that no machine has. */
  hugeTiles: tileNames,
  /** These SIGKILL their own agent, with all that it has at hand: the poison scene. */
  killTiles: tileNames,
  /** How the preparation of every frame goes wrong: as the tiles of that name do. */
  prepareFault: z.enum(PREPARE_FAULT_NAMES).optional(),
});
export type SyntheticScene = Readonly<z.infer<typeof syntheticSceneSchema>>;

/**
 * @returns the scene, with every default filled in; the defaults alone when the entry is not a `.json` file (any package
 *          will do where only the cost matters).
 * @throws SCENE_INVALID naming the field; SCENE_FILE_MISSING.
 */
export async function readSyntheticScene(scene: LocalScene): Promise<SyntheticScene> {
  if (!scene.entry.endsWith('.json')) return syntheticSceneSchema.parse({});
  const text = await readSmallFile(join(scene.folder, scene.entry), scene.entry);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FarmError('SCENE_INVALID', `${scene.entry} is not JSON (${messageOf(cause)})`, {}, { cause });
  }
  const parsed = syntheticSceneSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new FarmError(
    'SCENE_INVALID',
    `${scene.entry}: ${issue.path.join('.') || 'scene'}: ${issue.message}`,
  );
}

async function readSmallFile(file: string, entry: string): Promise<string> {
  const handle = await open(file, 'r').catch((cause: unknown) => {
    throw new FarmError(
      'SCENE_FILE_MISSING',
      `cannot read ${entry} of the scene package (${(cause as NodeJS.ErrnoException).code})`,
      {},
      { cause },
    );
  });
  try {
    const { size } = await handle.stat();
    if (size > SCENE_FILE_BYTES_MAX)
      throw new FarmError(
        'SCENE_INVALID',
        `${entry} has ${size} bytes; a synthetic scene has at most ${SCENE_FILE_BYTES_MAX}`,
      );
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

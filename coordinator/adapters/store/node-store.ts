/**
 * What must last of nodes, one small file. What it says is advice: without it bad nodes have to be found out once more,
 * so that a file that cannot be read is left behind, with a warning, and is no reason not to start.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { jobIdSchema, nodeIdSchema } from '#shared/domain/ids.js';
import { messageOf } from '#shared/errors.js';
import type { Logger } from '#shared/log.js';
import { isTemporary } from '../../recovery/orphans.js';
import { writeDurably } from './durable-file.js';

const whole = z.int().min(0);
const code = z.string();
const block = z.strictObject({ jobId: jobIdSchema, failures: whole, untilMs: z.number(), code });
const quarantine = z.strictObject({ studios: z.array(z.string()), untilMs: z.number(), code });
const failedTry = z.strictObject({
  nodeId: nodeIdSchema,
  attempt: whole,
  atMs: z.number(),
  code,
  counts: z.boolean(),
});
const triedTile = z.strictObject({
  frame: z.int(),
  tile: whole,
  isDone: z.boolean(),
  tries: z.array(failedTry),
});

const nodesRecordSchema = z.strictObject({
  blame: z.strictObject({
    jobs: z.array(z.strictObject({ jobId: jobIdSchema, studio: z.string(), tiles: z.array(triedTile) })),
  }),
  /** Blocks and quarantines that are in force, and have been told. */
  standings: z.array(
    z.strictObject({
      nodeId: nodeIdSchema,
      blocks: z.array(block),
      quarantine: quarantine.optional(),
    }),
  ),
});
export type NodesRecord = Readonly<z.infer<typeof nodesRecordSchema>>;

export interface NodeStore {
  /** Nothing at the first start. */
  read(): Promise<NodesRecord | undefined>;
  /** @throws DISK_FULL; the record of before stays then. */
  write(record: NodesRecord): Promise<void>;
}

export function nodeStore(root: string, log: Logger): NodeStore {
  const folder = join(root, 'nodes');
  const path = join(folder, 'blame.json');
  return {
    async read() {
      for (const name of await readdir(folder)) if (isTemporary(name)) await rm(join(folder, name));
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      if (text === undefined) return undefined;
      try {
        return nodesRecordSchema.parse(JSON.parse(text));
      } catch (error) {
        log.warn(
          { path, reason: messageOf(error).slice(0, 300) },
          'record of bad nodes cannot be read; they have a new start',
        );
        return undefined;
      }
    },
    write: (record) => writeDurably(path, JSON.stringify(record)),
  };
}

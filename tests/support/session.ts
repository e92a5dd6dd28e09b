/** What a slot would give a session, for sessions that a test opens by itself. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SessionContext } from '#node-agent/renderers/renderer.js';

/** For renderers that write nothing. */
export const SESSION: SessionContext = { slotMemoryBytes: 2 ** 31, scratchFolder: tmpdir() };

/** A slot with an empty scratch folder of its own, which goes with it. */
export async function makeSlot(
  slotMemoryBytes = SESSION.slotMemoryBytes,
): Promise<SessionContext & AsyncDisposable> {
  const scratchFolder = await mkdtemp(join(tmpdir(), 'guian-slot-'));
  return {
    slotMemoryBytes,
    scratchFolder,
    [Symbol.asyncDispose]: () => rm(scratchFolder, { recursive: true, force: true }),
  };
}

/** A renderer of a node's admin, for tests: one flat colour, told to hold a program, to hang or to leave files. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const START_PROGRAM = new URL('../../node-agent/renderers/program/start-program.js', import.meta.url).href;

/** What each tile of `flat` costs beside its thread. */
export const FLAT_USE = { coreSeconds: 5, peakMemoryBytes: 3 * 2 ** 30 };

/**
 * `flat 1.0.0`. Its session notes in `notes` what happens to it: `open-<n>`, `child-<pid>`, `closed-<n>`. It leaves a file
 * in its scratch folder with each tile, and its first tile starts a program that never ends by itself. The tile at
 * 48,0 never returns, the one at 16,0 fails.
 * @returns the module's file, in `folder`.
 */
export async function writeFlatRenderer(folder: string, notes: string): Promise<string> {
  const file = join(folder, 'flat-renderer.mjs');
  await writeFile(
    file,
    `
    import { writeFileSync } from 'node:fs';
    import { join } from 'node:path';
    import { threadId } from 'node:worker_threads';
    import { startProgram } from ${JSON.stringify(START_PROGRAM)};
    const note = (name, text = '') => writeFileSync(join(${JSON.stringify(notes)}, name), text);
    export const renderer = {
      name: 'flat',
      version: '1.0.0',
      prepare: async () => ({ level: 0.5 }),
      async open({ scratchFolder, slotMemoryBytes }) {
        note('open-' + threadId, scratchFolder);
        let child;
        return {
          async render({ region, prepared }, control) {
            child ??= startProgram({
              ...{ executable: '/usr/bin/sleep', args: ['1000'], sandbox: 'none', readableFolders: [] },
              ...{ scratchFolder, memoryBytesMax: slotMemoryBytes, fileBytesMax: 1e6 },
            });
            note('child-' + child.pid);
            writeFileSync(join(scratchFolder, 'picture.exr'), 'pixels');
            if (region.x0 === 16 && region.y0 === 0)
              throw Object.assign(new Error('no light'), { use: ${JSON.stringify(FLAT_USE)} });
            if (region.x0 === 48 && region.y0 === 0) for (;;) Math.random();
            control.isCancelled();
            const data = new Float32Array((region.x1 - region.x0) * (region.y1 - region.y0) * 4);
            return { layers: [{ name: 'beauty', data: data.fill(prepared.level) }], use: ${JSON.stringify(FLAT_USE)} };
          },
          async close() {
            child?.kill();
            await child?.exited;
            note('closed-' + threadId);
          },
        };
      },
    };`,
  );
  return file;
}

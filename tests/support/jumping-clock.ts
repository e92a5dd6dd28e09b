/** Sets the wall clocks of single processes of a farm that this test starts, while they run. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface JumpingClocks extends Disposable {
  /**
   * From now on.
   * @param part `coordinator`, or a node id
   * @param offsetMs how far its clock is from the true time; 0 puts it right again
   */
  set(part: string, offsetMs: number): void;
}

/** For every process that is started after this call, until disposal. */
export function jumpingClocks(): JumpingClocks {
  const folder = mkdtempSync(join(tmpdir(), 'guian-clock-'));
  const preload = new URL('./jumping-clock-preload.js', import.meta.url).href;
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = `${before ?? ''} --import ${preload}`;
  process.env['JUMPING_CLOCK_DIR'] = folder;
  return {
    set(part, offsetMs) {
      // Whole or not at all: it is read at any moment.
      writeFileSync(join(folder, '.new'), String(offsetMs));
      renameSync(join(folder, '.new'), join(folder, part));
    },
    [Symbol.dispose]() {
      if (before === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = before;
      delete process.env['JUMPING_CLOCK_DIR'];
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

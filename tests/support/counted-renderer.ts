/**
 * A renderer of a node's admin, for tests: each tile holds a token that only one tile of all agents on this machine may
 * hold. Who finds it held by a process that lives says so, and renders all the same.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface CountedRenderer {
  /** The module's file. */
  readonly file: string;
  /** Tiles that rendered at the same time as another: one line each. */
  violations(): readonly string[];
  /** What each tile that begins from now on takes. */
  setTileMs(tileMs: number): void;
  /** Tiles begun so far. */
  begun(): number;
}

/** `counted 1.0.0`; its tiles heed a cancel. */
export async function writeCountedRenderer(folder: string, tileMs: number): Promise<CountedRenderer> {
  const file = join(folder, 'counted-renderer.mjs');
  const setTileMs = (ms: number): void => writeFileSync(join(folder, 'tile-ms'), String(ms));
  setTileMs(tileMs);
  await writeFile(
    file,
    `
    import { appendFileSync, openSync, closeSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
    import { join } from 'node:path';
    import { setTimeout as delay } from 'node:timers/promises';
    const folder = ${JSON.stringify(folder)};
    const token = join(folder, 'token');
    const lives = (pid) => { try { process.kill(pid, 0); return true; } catch { return false; } };
    function take() {
      for (;;) {
        try {
          const file = openSync(token, 'wx');
          writeSync(file, String(process.pid));
          closeSync(file);
          return true;
        } catch (error) {
          if (error.code !== 'EEXIST') throw error;
        }
        let holder;
        try { holder = Number(readFileSync(token, 'utf8')); } catch { continue; }
        if (holder !== 0 && lives(holder)) {
          appendFileSync(join(folder, 'violations'), process.pid + ' begins while ' + holder + ' renders\\n');
          return false;
        }
        try { unlinkSync(token); } catch {}
      }
    }
    export const renderer = {
      name: 'counted',
      version: '1.0.0',
      prepare: async () => ({}),
      async open() {
        return {
          async render({ region }, control) {
            const isHolder = take();
            appendFileSync(join(folder, 'begun'), '.');
            const tileMs = Number(readFileSync(join(folder, 'tile-ms'), 'utf8'));
            try {
              for (let ms = 0; ms < tileMs; ms += 10) {
                await delay(10);
                if (control.isCancelled()) throw Object.assign(new Error('cancelled'), { code: 'RENDER_CANCELLED' });
              }
            } finally {
              if (isHolder) unlinkSync(token);
            }
            const data = new Float32Array((region.x1 - region.x0) * (region.y1 - region.y0) * 4);
            return { layers: [{ name: 'beauty', data }] };
          },
          async close() {},
        };
      },
    };`,
  );
  const read = (name: string): string =>
    readdirSync(folder).includes(name) ? readFileSync(join(folder, name), 'utf8') : '';
  return {
    file,
    setTileMs,
    violations: () => read('violations').split('\n').filter(Boolean),
    begun: () => read('begun').length,
  };
}

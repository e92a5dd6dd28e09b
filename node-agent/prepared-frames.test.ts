import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderSettingsSchema } from '#shared/domain/job.js';
import { createLogger } from '#shared/log.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { PreparedFrames } from './prepared-frames.js';

const settings = renderSettingsSchema.parse({ renderer: 'synthetic', widthPx: 16, heightPx: 16 });
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-prepare-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a preparation that goes wrong is a failure of its frame, and the next frame is prepared', () => {
  const cases: [fault: string, code: string, says: RegExp][] = [
    ['hang', 'TILE_TIME_LIMIT', /had not finished after 700ms; a longer --tile-timeout/],
    ['crash', 'RENDER_FAILED', /preparing frame 3 ended its thread: .*its scene says so/],
    ['exit', 'RENDER_FAILED', /exited with code: 3/],
    ['heap', 'TILE_MEMORY_LIMIT', /outgrew the JS heap/],
    ['buffers', 'TILE_MEMORY_LIMIT', /the agent used 9 bytes of memory, the limit is 8 bytes/],
    ['huge', 'TILE_MEMORY_LIMIT', /allocation failed/],
  ];
  test.each(cases)(
    '%s: %s',
    async (fault, code, says) => {
      const entry = `${fault}.json`;
      await writeFile(join(folder, entry), JSON.stringify({ prepareFault: fault }));
      await using frames = new PreparedFrames(createLogger('test', 'silent'), {
        slotMemoryBytes: 32 * 1024 ** 2,
        limitMsOf: (tileTimeLimitMs) => tileTimeLimitMs || 600_000,
      });
      const task = { renderer: 'synthetic' as const, settings, frame: 3 };
      const bad = frames.hold('bad', { ...task, scene: { folder, entry } }, fault === 'hang' ? 700 : 0);
      const next = frames.hold('next', { ...task, scene: { folder, entry: 'any.glb' } });
      if (fault === 'buffers')
        await waitUntil(() => frames.endForMemory(9, 8), { timeoutMs: 20_000, describe: 'it to be ended' });
      const outcome = await bad.outcome;
      expect(outcome).toMatchObject({
        kind: 'failed',
        code,
        message: expect.stringMatching(says),
        permanent: false,
      });
      expect((await next.outcome).kind).toBe('ready');
    },
    30_000,
  );
});

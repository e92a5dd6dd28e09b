import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clearScratch, makeScratchFolder, readScratchFile } from './scratch.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'guian-scratch-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('every session has a folder of its own, and clearing removes what an earlier run left, not what links point to', async () => {
  const base = join(folder, 'base');
  const [one, two] = [await makeScratchFolder(base, 'blender'), await makeScratchFolder(base, 'blender')];
  expect(one).not.toBe(two);
  writeFileSync(join(folder, 'precious'), '');
  symlinkSync(folder, join(one, 'link'));
  await clearScratch(base);
  expect(readdirSync(base)).toEqual([]);
  expect(readdirSync(folder)).toContain('precious');
});

test('a file that a program wrote is read only when it is a plain file of a size that can be', async () => {
  writeFileSync(join(folder, 'tile.exr'), 'pixels');
  symlinkSync('/etc/hostname', join(folder, 'link.exr'));
  execFileSync('mkfifo', [join(folder, 'pipe.exr')]);
  expect((await readScratchFile(folder, 'tile.exr', 6)).toString()).toBe('pixels');
  const failure = (name: string, bytesMax = 100) =>
    readScratchFile(folder, name, bytesMax).then(
      () => undefined,
      (error) => `${error.code}: ${error.message}`,
    );
  expect(await failure('tile.exr', 5)).toBe(
    "RENDER_FAILED: the program's file tile.exr has 6 bytes, and at most 5 are expected",
  );
  expect(await failure('link.exr')).toBe("RENDER_FAILED: the program's file link.exr is a symbolic link");
  expect(await failure('pipe.exr')).toBe("RENDER_FAILED: the program's file pipe.exr is no plain file");
  expect(await failure('none.exr')).toBe("RENDER_FAILED: the program's file none.exr was not written");
});

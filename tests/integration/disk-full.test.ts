/** No room for the output: said in one line, exit code 1, and no half-written picture stays. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { guian, testFolder } from './cli-program.js';

/** A file system of its own, so small that the second frame does not fit. */
function mountTiny(folder: string): boolean {
  mkdirSync(folder);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder], {
    encoding: 'utf8',
  });
  if (mounted.status === 0) return true;
  console.warn(
    `a full disk is not tried: a small file system cannot be mounted here (${mounted.stderr?.trim() || mounted.error?.message})`,
  );
  return false;
}

it('a full disk at the output folder ends the render with the cause, and leaves whole pictures only', async () => {
  using folder = testFolder();
  const out = join(folder.path, 'tiny');
  if (!mountTiny(out)) return;
  try {
    const args = [
      'render',
      '--renderer',
      'synthetic',
      '--name',
      'big',
      '--size',
      '320x180',
      '--frames',
      '1-8',
      '--format',
      'exr',
    ];
    const ended = await guian([...args, '--out', out], folder);
    const last = ended.stderr.trim().split('\n').at(-1);
    expect(last, ended.stderr).toMatch(/^guian: .*(no space|full|room)/i);
    expect(ended.code).toBe(1);
    for (const name of readdirSync(out)) expect(name).toMatch(/^big\.000\d\.exr$/);
    expect(readdirSync(folder.tmp)).toEqual([]);
  } finally {
    spawnSync('umount', [out]);
  }
});

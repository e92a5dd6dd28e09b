import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PositionedBytes } from '#shared/image/exr-encode.js';
import { TEMP_FILE_PATTERN, writeFrameFile } from './write-frame.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guian-write-frame-'));
});
afterEach(() => rm(folder, { recursive: true }));

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('write frame', () => {
  it('size and digest are those of the file, also when a part comes late', async () => {
    async function* parts(): AsyncGenerator<PositionedBytes> {
      yield { position: 0, bytes: Buffer.from('head') };
      yield { position: 8, bytes: Buffer.from('body') };
      yield { position: 4, bytes: Buffer.from('-in-') };
    }
    const path = join(folder, 'frame.exr');
    const written = await writeFrameFile(path, parts());
    expect(await readFile(path, 'utf8')).toBe('head-in-body');
    expect(written).toEqual({ sizeBytes: 12, digest: sha256(Buffer.from('head-in-body')) });
    expect(await writeFrameFile(path, Buffer.from('new'))).toEqual({
      sizeBytes: 3,
      digest: sha256(Buffer.from('new')),
    });
    expect(await readdir(folder)).toEqual(['frame.exr']);
  });

  it('until it is complete, the file has a temporary name', async () => {
    let during: string[] = [];
    async function* parts(): AsyncGenerator<PositionedBytes> {
      yield { position: 0, bytes: Buffer.from('half') };
      during = await readdir(folder);
    }
    await writeFrameFile(join(folder, 'frame.png'), parts());
    expect(during).toHaveLength(1);
    expect(during[0]).toMatch(TEMP_FILE_PATTERN);
  });

  it('a full disk is reported with the path, and nothing is left', async () => {
    async function* parts(): AsyncGenerator<PositionedBytes> {
      yield { position: 0, bytes: Buffer.from('half') };
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }
    const path = join(folder, 'frame.exr');
    await expect(writeFrameFile(path, parts())).rejects.toMatchObject({
      code: 'DISK_FULL',
      details: { path },
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('a folder that is not there is reported with the path', async () => {
    const path = join(folder, 'missing', 'frame.exr');
    await expect(writeFrameFile(path, Buffer.from('x'))).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
  });
});

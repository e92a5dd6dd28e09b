import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NamedFiles } from './named-files.js';

test('a name stands in a scene as the end of a path, and numbers of sequences are all alike', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'guian-named-files-'));
  try {
    const blend = join(folder, 'a.blend');
    writeFileSync(
      blend,
      'BLENDER//../tex/bark.<UDIM>.png\0\0/seq/s_0001.exr\0id\0config\0C:\\tex\\glas\u00e9.png\0',
    );
    const text = join(folder, 'a.inc');
    writeFileSync(text, '#include "wall.inc"\nimage_map { png "../up.png" } // passwd\n');
    const picture = join(folder, 'a.png');
    writeFileSync(picture, '"/secret.txt"\n');
    const named = new NamedFiles();
    await named.search([blend, text, picture]);
    const asked = ['bark.1012.png', 's_0099.exr', 'glas\u00e9.png', 'wall.inc', 'up.png'];
    const others = ['id', 'config', 'passwd', 'secret.txt', 'bark.png', 'p.png', 'taxes.pdf'];
    expect([...asked, ...others].filter((name) => named.has(`/somewhere/${name}`))).toEqual(asked);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

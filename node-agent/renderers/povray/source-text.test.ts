import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readIniBeside } from './renderer.js';
import { readComments, readSceneIni } from './scene-ini.js';
import { SourceReader } from './scene-sources.js';
import { readSourceText } from './source-text.js';

const MIB = 1024 * 1024;
/** Hundreds of times what linear time takes; hours where it was not. */
const LIMIT_MS = 10_000;

test.each([
  ['blanks', ' '.repeat(10 * MIB)],
  ['signs and blanks', '# '.repeat(5 * MIB)],
  ['a sign, then blanks', `#${' '.repeat(10 * MIB)}1`],
  ['quotes that are no ends', '"\\'.repeat(5 * MIB)],
  ['a string without an end', `"${'a\\"'.repeat(4 * MIB)}`],
  ['a long string', `"${'x'.repeat(30 * MIB)}" camera {`],
  ['a long word', 'x'.repeat(30 * MIB)],
  ['a long comment', `//${'x'.repeat(30 * MIB)}`],
  ['comments without an end', '/*'.repeat(5 * MIB)],
  ['slashes', '/ '.repeat(5 * MIB)],
])('text that is hard to search takes linear time: %s', (_, text) => {
  const startMs = performance.now();
  readSourceText(text);
  readSceneIni(text);
  readComments(text);
  expect(performance.now() - startMs).toBeLessThan(LIMIT_MS);
});

test.each([
  ['a = ', `a = ${' '.repeat(MIB)}""x`],
  ['semicolons', `${';'.repeat(MIB)}\rx`],
  ['switches', `// ${'+a '.repeat(MIB)}!`],
])('settings too: %s', (_, text) => {
  const startMs = performance.now();
  readSceneIni(text);
  readComments(text);
  expect(performance.now() - startMs).toBeLessThan(LIMIT_MS);
});

test('strings end as in POV-Ray, comments also at a carriage return, directives may stand apart', () => {
  const { words, strings, declarations } = readSourceText(
    '#include "a\\"b.inc" #debug "a\\\\" fopen // c\rwrite\n#  /* x */ declare Name = 1; #include "open',
  );
  expect(strings.map(({ text, after }) => [after, text])).toEqual([
    ['include', 'a"b.inc'],
    ['debug', 'a\\'],
    ['include', 'open'],
  ]);
  expect([...words]).toEqual(['include', 'debug', 'fopen', 'write', 'declare', 'Name']);
  expect([...declarations.keys()]).toEqual(['', 'Name']);
});

test('an include file with a name that is computed is told', () => {
  expect(readSourceText('#include concat("a", ".inc")').hasComputedInclude).toBe(true);
  expect(readSourceText('#include /* c */ "a.inc" #include ("b.inc") union { }').hasComputedInclude).toBe(
    false,
  );
});

test('what is kept of a text is bounded', () => {
  const names = Array.from({ length: 1_000_001 }, (_, index) => `a${index}`).join(' ');
  expect(() => readSourceText(names, 'a.pov')).toThrow(/more than 1000000 different names with a\.pov/);
});

test('texts and settings files are read up to a size, data is searched for telling words', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'guian-povray-'));
  try {
    const edge = Buffer.alloc(3 * MIB, 0x80);
    edge.write(' fopen ', MIB - 3);
    edge.write('_write append', 2 * MIB);
    await mkdir(join(folder, 'a'));
    await writeFile(join(folder, 'a/edge.png'), edge);
    await writeFile(join(folder, 'a/text.png'), '\0\n#include "x.inc"');
    await writeFile(join(folder, 'a/big.inc'), Buffer.alloc(40 * MIB, 32));
    await writeFile(join(folder, 'a/a.ini'), Buffer.alloc(MIB + 1, 32));
    const reader = new SourceReader(folder);
    expect(await reader.read('a/edge.png')).toBe('fopen append');
    expect(await reader.read('a/text.png')).toBe('\0\n#include "x.inc"');
    expect(await reader.read('a/big.inc')).toHaveLength(40 * MIB);
    await expect(reader.read('a/big.inc')).rejects.toMatchObject({
      code: 'SCENE_UNSUPPORTED',
      message: expect.stringMatching(/more than 67108864 bytes with a\/big\.inc/),
    });
    await expect(readIniBeside(folder, 'a/a.pov')).rejects.toMatchObject({
      code: 'SCENE_INVALID',
      message: expect.stringMatching(/^a\/a\.ini is no settings file/),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

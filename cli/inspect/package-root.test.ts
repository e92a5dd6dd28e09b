import { expect, test } from 'vitest';
import { commonFolder, fileBelow, firstRoot, pathBelow, widestRoot } from './package-root.js';

test.for([
  [['/p/shot/a.blend'], '/p/shot'],
  [['/p/shot/a.blend', '/p/shot/tex/b.png'], '/p/shot'],
  [['/p/shot/a.blend', '/p/tex/b.png'], '/p'],
  [['/p/shot/a.blend', '/p/shot-2/b.png'], '/p'],
  [['/p/shot/a.blend', '/q/b.png'], '/'],
  [['/p/shot/a.blend', '/p/..b/c.png'], '/p'],
] as const)('the deepest folder that holds %j is %s', ([files, folder]) => {
  expect(commonFolder(files)).toBe(folder);
});

test('a path is of the package only below its root', () => {
  expect(pathBelow('/p', '/p/tex/b.png')).toBe('tex/b.png');
  expect(pathBelow('/p', '/p/..b/c.png')).toBe('..b/c.png');
  expect(pathBelow('/p', '/p-2/b.png')).toBeUndefined();
  expect(pathBelow('/p', '/p')).toBeUndefined();
  expect(fileBelow('/p', 'tex/b.png')).toBe('/p/tex/b.png');
});

test('the widest root is a top folder, never the whole disk', () => {
  expect(widestRoot('/home/ann/shots/a.blend')).toBe('/home');
  expect(widestRoot('/home/a.blend')).toBe('/home');
});

test('a root that holds no scene, or everything, is refused in one line that names it', () => {
  expect(firstRoot('/p/shot/a.blend', undefined)).toBe('/p/shot');
  expect(firstRoot('/p/shot/a.blend', '/p')).toBe('/p');
  expect(() => firstRoot('/p/shot/a.blend', '/q')).toThrow(
    '--root /q: the scene /p/shot/a.blend is not below it',
  );
  expect(() => firstRoot('/p/shot/a.blend', '/')).toThrow('--root /: a package cannot begin at /');
  expect(() => firstRoot('/a.blend', undefined)).toThrow('scene /a.blend: a package cannot begin at /');
});

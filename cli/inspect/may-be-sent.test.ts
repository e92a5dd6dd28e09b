import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { mayBeSent, mayBeSentFromDisk } from './may-be-sent.js';

const home = mkdtempSync(join(tmpdir(), 'guian-may-be-sent-'));
const at = (name: string): string => join(home, name);
afterAll(() => rmSync(home, { recursive: true, force: true }));

test.for([
  ['/home/ann/shot/tex/a.png', true],
  ['/home/ann/textures/a.png', true],
  ['/home/ann/shot/.cache/a.bphys', true],
  ['/home/ann/.ssh/id_ed25519', false],
  ['/home/bob/.config/keys/a.png', false],
  ['/home/.secret', false],
  ['/etc/passwd', false],
] as const)('whether %s may be part of a package: %s', ([file, isSent]) => {
  expect(mayBeSent(file, '/home/ann/shot/a.blend')).toBe(isSent);
});

test('of links it is their target that counts', async () => {
  for (const name of ['.ssh/id_rsa', 'textures/up.png', 'shot/near.png', 'shot/a.blend']) {
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), 'x');
  }
  const links = {
    key: '../.ssh/id_rsa',
    up: '../textures/up.png',
    beside: 'near.png',
    passwd: '/etc/passwd',
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, at(`shot/${name}.png`));
  symlinkSync('../.ssh', at('shot/tex'));
  const names = [...Object.keys(links).map((name) => `${name}.png`), 'near.png', 'tex/id_rsa', 'gone.png'];
  const sent = await Promise.all(
    names.map((name) => mayBeSentFromDisk(at(`shot/${name}`), at('shot/a.blend'))),
  );
  expect(names.filter((_, index) => sent[index])).toEqual(['up.png', 'beside.png', 'near.png']);
});

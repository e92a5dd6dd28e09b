import { expect, test } from 'vitest';
import { mayBeSent } from './inspect-on-farm.js';

test.for([
  ['/home/ann/shot/tex/a.png', true],
  ['/home/ann/textures/a.png', true],
  ['/home/ann/shot/.cache/a.bphys', true],
  ['/home/ann/.ssh/id_ed25519', false],
  ['/home/bob/.config/keys/a.png', false],
  ['/home/.secret', false],
] as const)('whether %s is sent when a node asks for it: %s', ([file, isSent]) => {
  expect(mayBeSent(file, '/home/ann/shot/a.blend')).toBe(isSent);
});

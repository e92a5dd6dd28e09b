/** The three lines of a picture pipeline, as README shows them: render a sample, compare, fail on a changed picture. */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { guian, REPOSITORY, testFolder } from './cli-program.js';

const folder = testFolder();
afterAll(() => folder[Symbol.dispose]());

const SCENE = join(REPOSITORY, 'examples', 'valley', 'valley.glb');
const EXPECTED = join(REPOSITORY, 'tests', 'golden', 'valley.0000.png');
const RENDER = ['--frames', '0', '--size', '160x90', '--samples', '4', '--format', 'png'];

test('the sample still looks as it is kept in the repository, and a changed picture fails the pipeline', async () => {
  const rendered = await guian(['render', SCENE, ...RENDER, '--out', 'out'], folder);
  expect(rendered.code, rendered.stderr).toBe(0);
  const picture = join('out', 'valley.0000.png');
  if (process.env['GUIAN_UPDATE_GOLDEN'] === '1') copyFileSync(join(folder.work, picture), EXPECTED);
  expect(
    existsSync(EXPECTED),
    `${EXPECTED} is missing; look at the new picture, then keep it with GUIAN_UPDATE_GOLDEN=1`,
  ).toBe(true);
  const same = await guian(
    ['compare', EXPECTED, picture, '--max-error', '2/255', '--diff', 'diff.png'],
    folder,
  );
  expect(same.code, same.stdout + same.stderr).toBe(0);

  const brighter = await guian(['render', SCENE, ...RENDER, '--exposure', '3', '--out', 'changed'], folder);
  expect(brighter.code, brighter.stderr).toBe(0);
  const changed = join('changed', 'valley.0000.png');
  const differs = await guian(
    ['compare', EXPECTED, changed, '--max-error', '2/255', '--diff', 'diff.png'],
    folder,
  );
  expect(differs.code).toBe(1);
  expect(existsSync(join(folder.work, 'diff.png'))).toBe(true);
});

/** The tea scene has the picture that its script paints, and POV-Ray needs what the README names. */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { inspectPovray } from '#node-agent/renderers/povray/inspect.js';
import { testPovray } from '#node-agent/renderers/povray/test-scenes.js';
import { makeSlot } from '#tests/support/session.js';
import { WOOD_FILE, woodPng } from './paint-wood.js';

/** The sine of one platform may round another way than that of the next. */
const STEP_MAX = 1;
const povray = await testPovray();

test('the script paints the committed picture', async () => {
  const [committed, painted] = await Promise.all(
    [await readFile(WOOD_FILE), await woodPng()].map((png) => sharp(png).raw().toBuffer()),
  );
  expect(painted!.length).toBe(committed!.length);
  const first = painted!.findIndex((value, index) => Math.abs(value - committed![index]!) > STEP_MAX);
  expect(first, `differs at byte ${first}`).toBe(-1);
});

describe.skipIf(!povray)('with POV-Ray', () => {
  test('it says what it is, and needs its include file, its picture and its settings', async () => {
    await using slot = await makeSlot();
    const inspection = await inspectPovray(
      povray!.installation,
      { folder: dirname(WOOD_FILE), entry: 'tea.pov' },
      { sandbox: povray!.sandbox, scratchFolder: slot.scratchFolder, allowScripts: false },
    );
    expect(inspection).toMatchObject({
      frames: '1-12',
      widthPx: 480,
      heightPx: 270,
      scripts: [],
      problems: [],
    });
    expect(inspection.files.map(({ path, state }) => `${state} ${path}`).sort()).toEqual([
      'found tea.ini',
      'found teaware.inc',
      'found wood.png',
    ]);
  });
});

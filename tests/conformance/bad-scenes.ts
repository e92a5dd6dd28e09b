/** A scene that cannot be rendered is refused for good, with a line that names it, and harms no other. */
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import type { LocalScene } from '#node-agent/renderers/renderer.js';
import { expectUsable, failureOf } from './duties.js';
import type { Suite } from './renderer-conformance.js';
import type { TestBed } from './test-bed.js';

/** Of no format, and the same every time. */
const NOISE = Uint8Array.from({ length: 4096 }, (_, index) => (index * 167 + (index >> 3) * 59) & 0xff);

const BAD: Readonly<Record<string, (bed: TestBed) => Promise<LocalScene>>> = {
  'is not there': async ({ subject }) => ({ ...subject.scene, entry: `gone-${subject.scene.entry}` }),
  'is empty': (bed) => bed.sceneOf(''),
  'is noise': (bed) => bed.sceneOf(NOISE),
  'is a letter': (bed) => bed.sceneOf('Dear renderer,\n\nhere is the shot.\n'),
  'is cut short': async (bed) => {
    const bytes = await bed.sceneBytes();
    return bed.sceneOf(bytes.subarray(0, Math.floor(bytes.length / 2)));
  },
};

export function testBadScenes(suite: () => Suite): void {
  test.each(Object.keys(BAD))('refuses for good a scene that %s', async (what) => {
    const { bed, slot } = suite();
    const scene = await BAD[what]!(bed);
    const { code, message, permanent } = await failureOf(bed.render(slot, { scene }));
    expect(code, message).toMatch(/^SCENE_/);
    expect(permanent).toBe(true);
    expect(message, 'one line').toMatch(/^.+$/);
    expect(message).toContain(basename(scene.entry));
    expect(message, 'where this node keeps it is nobody’s business').not.toContain(scene.folder);
  });

  test('renders as before after all of these', () => expectUsable(suite()));
}

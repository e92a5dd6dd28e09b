/** Pixels depend on the scene, the settings, the frame and the pixel: on nothing else. */
import { expect, test } from 'vitest';
import { LAYERS } from '#shared/domain/layers.js';
import { regionPixels } from '#shared/domain/region.js';
import { cut, difference, tilesOf, WHOLE } from './pixels.js';
import type { Suite } from './renderer-conformance.js';
import { FRAME, OTHER_FRAME } from './test-bed.js';

/** Edges fall on odd and even pixels; one has whole rows. */
const TILINGS = [
  [24, 16],
  [48, 9],
  [17, 21],
] as const;
const COLORS_MIN = 50;

export function testPixels(suite: () => Suite): void {
  test('gives the layers asked for, in their order, each as large as its tile, and every number finite', async () => {
    const { bed, slot } = suite();
    const whole = await bed.layers(slot);
    expect(whole.map(({ name }) => name)).toEqual(bed.subject.layers);
    for (const { name, data } of whole) {
      expect(data, name).toBeInstanceOf(Float32Array);
      expect(data.length, name).toBe(regionPixels(WHOLE) * LAYERS[name].channels.length);
      expect(data.every(Number.isFinite), name).toBe(true);
    }
    const reversed = whole.toReversed();
    const layers = reversed.map(({ name }) => name);
    expect(difference(await bed.layers(slot, { settings: { layers } }), reversed, WHOLE)).toBeUndefined();
    const [last] = reversed;
    const alone = await bed.layers(slot, { settings: { layers: [last!.name] } });
    expect(difference(alone, [last!], WHOLE)).toBeUndefined();
  });

  test('makes pictures: many colours, and other ones in another frame', async () => {
    const { bed, slot } = suite();
    const beauty = (frame: number) => bed.layers(slot, { frame, settings: { layers: ['beauty'] } });
    const layers = await beauty(FRAME);
    expect(new Set(layers[0]!.data).size).toBeGreaterThan(COLORS_MIN);
    expect(difference(layers, await beauty(OTHER_FRAME), WHOLE)).toBeDefined();
  });

  test('gives the bits of the whole frame however it is cut, in any order, also after other frames', async () => {
    const { bed, slot } = suite();
    const whole = await bed.layers(slot);
    for (const [index, [widthPx, heightPx]] of TILINGS.entries()) {
      const tiles = tilesOf(widthPx, heightPx);
      if (index % 2 === 1) tiles.reverse();
      for (const [position, region] of tiles.entries()) {
        // What another job's tile leaves behind in between.
        if (position === 2) await bed.layers(slot, { region, frame: OTHER_FRAME, settings: { seed: 9 } });
        const layers = await bed.layers(slot, { region });
        expect(difference(layers, cut(whole, region), region)).toBeUndefined();
      }
    }
  });

  test('gives single pixels of the frame', async () => {
    const { bed, slot } = suite();
    const whole = await bed.layers(slot);
    for (const [x, y] of [
      [0, 0],
      [WHOLE.x1 - 1, WHOLE.y1 - 1],
    ] as const) {
      const region = { x0: x, y0: y, x1: x + 1, y1: y + 1 };
      expect(difference(await bed.layers(slot, { region }), cut(whole, region), region)).toBeUndefined();
    }
  });

  test('gives the same bits in two more sessions at the same time, prepared anew, one of them warm with another job', async () => {
    const { bed, slot } = suite();
    const whole = await bed.layers(slot);
    await using first = await bed.openSlot();
    await using second = await bed.openSlot();
    await bed.layers(second, { frame: OTHER_FRAME, settings: { widthPx: 64, heightPx: 36, seed: 9 } }, true);
    const [upper, lower] = tilesOf(48, 16);
    const tiles = [
      [first, upper!],
      [second, upper!],
      [second, lower!],
    ] as const;
    const rendered = [
      bed.layers(first, { region: upper! }, true),
      bed
        .layers(second, { region: upper! }, true)
        .then(async (layers) => [layers, await bed.layers(second, { region: lower! })]),
    ] as const;
    const all = [await rendered[0], ...(await rendered[1])];
    for (const [index, [, region]] of tiles.entries())
      expect(difference(all[index]!, cut(whole, region), region)).toBeUndefined();
  });
}

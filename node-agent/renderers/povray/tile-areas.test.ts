import { expect, test } from 'vitest';
import { copyShared, tileAreas } from './tile-areas.js';

const [WIDTH, HEIGHT] = [300, 200];
const REGION = { x0: 100, y0: 120, x1: 257, y1: 129 };

test('areas are the tile itself, cells of the frame, or the frame, whatever the tiling', () => {
  expect(tileAreas(REGION, 'none', WIDTH, HEIGHT)).toEqual([REGION]);
  expect(tileAreas(REGION, 'frame', WIDTH, HEIGHT)).toEqual([{ x0: 0, y0: 0, x1: WIDTH, y1: HEIGHT }]);
  expect(tileAreas(REGION, 'run', WIDTH, HEIGHT)).toEqual([
    { x0: 0, y0: 0, x1: 128, y1: 128 },
    { x0: 128, y0: 0, x1: 256, y1: 128 },
    { x0: 256, y0: 0, x1: 300, y1: 128 },
    { x0: 0, y0: 128, x1: 128, y1: 200 },
    { x0: 128, y0: 128, x1: 256, y1: 200 },
    { x0: 256, y0: 128, x1: 300, y1: 200 },
  ]);
});

test('a tile is cut out of its areas pixel by pixel', () => {
  const data = new Float32Array((REGION.x1 - REGION.x0) * (REGION.y1 - REGION.y0) * 4);
  const value = (x: number, y: number, channel: number) => (y * WIDTH + x) * 4 + channel;
  for (const area of tileAreas(REGION, 'run', WIDTH, HEIGHT)) {
    const pixels = new Float32Array((area.x1 - area.x0) * (area.y1 - area.y0) * 4);
    let index = 0;
    for (let y = area.y0; y < area.y1; y++)
      for (let x = area.x0; x < area.x1; x++)
        for (let channel = 0; channel < 4; channel++) pixels[index++] = value(x, y, channel);
    copyShared(pixels, area, data, REGION);
  }
  let index = 0;
  let wrong = 0;
  for (let y = REGION.y0; y < REGION.y1; y++)
    for (let x = REGION.x0; x < REGION.x1; x++)
      for (let channel = 0; channel < 4; channel++) if (data[index++] !== value(x, y, channel)) wrong++;
  expect(wrong).toBe(0);
});

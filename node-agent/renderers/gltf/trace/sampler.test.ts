import { expect, test } from 'vitest';
import { Sampler } from './sampler.js';

test('the first 64 samples of any pair fill an 8 × 8 and a 64 × 1 grid evenly', () => {
  const sampler = new Sampler();
  for (const [x, y] of [
    [0, 0],
    [17, 4],
    [1919, 1079],
  ] as const) {
    for (let pair = 0; pair < 6; pair++) {
      const cells = new Set<number>();
      const columns = new Set<number>();
      for (let sample = 0; sample < 64; sample++) {
        sampler.startPixel(x, y, 3, 9);
        sampler.startSample(sample);
        for (let skip = 0; skip <= pair; skip++) sampler.draw();
        cells.add(Math.floor(sampler.u * 8) * 8 + Math.floor(sampler.v * 8));
        columns.add(Math.floor(sampler.u * 64));
      }
      expect(cells.size).toBe(64);
      expect(columns.size).toBe(64);
    }
  }
});

test('numbers depend on pixel, sample, frame and seed, and on nothing drawn before', () => {
  const sampler = new Sampler();
  const at = (x: number, y: number, frame: number, seed: number, sample: number) => {
    sampler.startPixel(x, y, frame, seed);
    sampler.startSample(sample);
    const drawn: number[] = [];
    for (let pair = 0; pair < 40; pair++) {
      sampler.draw();
      drawn.push(sampler.u, sampler.v);
    }
    return drawn;
  };
  const first = at(1, 2, 3, 4, 5);
  expect(at(1, 2, 3, 4, 5)).toEqual(first);
  for (const other of [
    at(2, 2, 3, 4, 5),
    at(1, 3, 3, 4, 5),
    at(1, 2, 4, 4, 5),
    at(1, 2, 3, 5, 5),
    at(1, 2, 3, 4, 6),
  ]) {
    expect(other.filter((value, index) => value === first[index]).length).toBe(0);
  }
  expect(first.every((value) => value >= 0 && value < 1)).toBe(true);
});

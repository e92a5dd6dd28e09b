import { expect, test } from 'vitest';
import { AvoidedTiles } from './avoided-tiles.js';

test('a tile goes back at once the first time, and is looked past when it comes straight back', () => {
  const avoided = new AvoidedTiles();
  expect(avoided.came('0/1/1', true, 0)).toEqual({ returnAfterMs: 0, pauseMs: 0 });
  expect(avoided.isOn).toBe(false);
  expect(avoided.came('0/1/1', true, 2)).toEqual({ returnAfterMs: 100, pauseMs: 0 });
  expect(avoided.isOn).toBe(true);
  expect(avoided.came('0/2/1', false, 3)).toEqual({ returnAfterMs: 0, pauseMs: 0 });
  expect(avoided.came('0/2/1', false, 4)).toEqual({ returnAfterMs: 100, pauseMs: 0 });
  expect(avoided.otherCame()).toBe(true);
  expect(avoided.isOn).toBe(false);
  // Known, and looked past at once; it was with others for long, and is new again.
  expect(avoided.came('0/1/1', false, 150)).toEqual({ returnAfterMs: 100, pauseMs: 0 });
  expect(avoided.came('0/1/1', false, 20_000)).toEqual({ returnAfterMs: 0, pauseMs: 0 });
});

test('with nothing else there it pauses from 250 ms to 2 s, and the tile is there for others meanwhile', () => {
  const avoided = new AvoidedTiles();
  avoided.came('a', false, 0);
  const pauses: number[] = [];
  for (let nowMs = 1; pauses.length < 6; nowMs += 100 + pauses.at(-1)!) {
    expect(avoided.came('a', false, nowMs)).toEqual({ returnAfterMs: 100, pauseMs: 0 });
    const again = avoided.came('a', false, nowMs + 100);
    expect(again.returnAfterMs).toBe(0);
    pauses.push(again.pauseMs);
  }
  expect(pauses).toEqual([250, 500, 1_000, 2_000, 2_000, 2_000]);
  expect(avoided.otherCame()).toBe(true);
  expect(avoided.otherCame()).toBe(false);
});

test('pulls that are still out neither lengthen a pause nor all bring the same tile at once', () => {
  const avoided = new AvoidedTiles();
  for (const nowMs of [0, 1]) avoided.came('a', true, nowMs);
  expect(avoided.came('a', true, 100)).toEqual({ returnAfterMs: 100, pauseMs: 250 });
  expect(avoided.came('a', true, 200)).toEqual({ returnAfterMs: 100, pauseMs: 150 });
  expect(avoided.came('a', true, 300)).toEqual({ returnAfterMs: 100, pauseMs: 50 });
});

test('remembers a bounded number of tiles', () => {
  const avoided = new AvoidedTiles();
  for (let tile = 0; tile < 5_000; tile++) avoided.came(String(tile), false, 1);
  expect(avoided.came('4999', false, 2).returnAfterMs).toBe(100);
  expect(avoided.came('0', false, 2).returnAfterMs).toBe(0);
});

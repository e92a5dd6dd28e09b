import { describe, expect, test } from 'vitest';
import { largestTile } from './largest-tile.js';
import { begin, controlOf, end, newControlBlock, storeMemory } from './tile-control.js';
import { TileWatch } from './tile-watch.js';

const LIMITS = { timeMs: 10_000, stallMs: 3_000, timeRule: 'as the test says' };
const SILENT_MS = 2_000;
const guard = { look: () => undefined };

function watched() {
  const block = newControlBlock();
  const watch = new TileWatch(block);
  const control = controlOf(block, guard);
  return {
    block,
    control,
    watch,
    verdict: undefined,
    look: (ms: number) => watch.look(ms, SILENT_MS, () => LIMITS),
  };
}

describe('a tile', () => {
  test('may wait and be loaded for as long as it takes, and be done long before its batch', () => {
    const { block, look } = watched();
    for (const ms of [0, 50_000, 100_000]) expect(look(ms)).toBeUndefined();
    begin(block);
    for (const ms of [150_000, 150_500]) expect(look(ms)).toBeUndefined();
    end(block);
    for (const ms of [151_000, 500_000]) expect(look(ms)).toBeUndefined();
  });

  test('that shows no sign of life is deaf', () => {
    const { block, look, control } = watched();
    begin(block);
    look(0);
    look(1_000);
    control.isCancelled();
    expect(look(2_500)).toBeUndefined();
    expect(look(4_600)).toMatchObject({ code: 'TILE_STALLED', isDeaf: true });
  });

  test('that asks and does not get on is stalled, once it has told some progress', () => {
    const { block, look, control } = watched();
    begin(block);
    for (let ms = 0; ms <= 5_000; ms += 500) {
      control.isCancelled();
      expect(look(ms)).toBeUndefined();
    }
    control.progress(0.5);
    for (let ms = 5_500; ms <= 8_500; ms += 500) {
      control.isCancelled();
      expect(look(ms)).toBeUndefined();
    }
    control.isCancelled();
    expect(look(9_000)).toMatchObject({ code: 'TILE_STALLED', isDeaf: false, message: /stood at 50%/ });
  });

  test('that gets on and does not come to its end is out of time', () => {
    const { block, look, control } = watched();
    begin(block);
    for (let ms = 0; ms <= 10_000; ms += 500) {
      control.progress(ms / 20_000);
      expect(look(ms)).toBeUndefined();
    }
    control.progress(0.6);
    expect(look(10_500)).toMatchObject({ code: 'TILE_TIME_LIMIT', message: /after 10s; as the test says/ });
  });

  test('whose process slept for an hour has lost nothing by it', () => {
    const { block, look, control, watch } = watched();
    begin(block);
    control.progress(0.5);
    look(0);
    look(1_000);
    watch.discount(3_600_000);
    expect(look(3_601_000)).toBeUndefined();
    expect(watch.elapsedMs(3_601_000)).toBe(1_000);
    expect(look(3_602_600)).toMatchObject({ code: 'TILE_STALLED', isDeaf: true });
  });

  test('that has told all its progress may take its time to hand over its pixels', () => {
    const { block, look, control } = watched();
    begin(block);
    for (let ms = 0; ms <= 9_500; ms += 500) {
      control.isCancelled();
      control.progress(1);
      expect(look(ms)).toBeUndefined();
    }
  });
});

test('out of memory, the thread that is silent is ended first, else the largest, and none at rest', () => {
  const tiles = [watched(), watched(), watched()];
  expect(largestTile(tiles, 0)).toBeUndefined();
  for (const [index, { block, look }] of tiles.entries()) {
    begin(block);
    storeMemory(block, (index === 1 ? 300 : 100) * 2 ** 20);
    look(0);
  }
  expect(largestTile(tiles, 100)).toEqual({ of: tiles[1], isSilent: false });
  for (const { control, look } of [tiles[0]!, tiles[1]!]) {
    control.isCancelled();
    look(500);
  }
  expect(largestTile(tiles, 500)).toEqual({ of: tiles[2], isSilent: true });
  end(tiles[2]!.block);
  expect(largestTile(tiles, 500)).toEqual({ of: tiles[1], isSilent: false });
});

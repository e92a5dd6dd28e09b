/** How a renderer behaves while it is at work: it hears a cancel, shows that it lives, and leaves things as they were. */
import { expect, test } from 'vitest';
import { attemptFailure } from '#node-agent/attempt-failure.js';
import { FarmError } from '#shared/errors.js';
import { cut, difference, tilesOf } from './pixels.js';
import type { Suite } from './renderer-conformance.js';
import { WatchedControl } from './watched-control.js';

/** From the flag to the end of the tile. */
export const CANCEL_MS_MAX = 2_000;
/** "Every 100 ms or so", on a machine that has much else to do. */
const SILENCE_MS_MAX = 1_000;

/** @returns what it fails with, as the agent sees it. */
export async function failureOf(tile: Promise<unknown>) {
  const error = await tile.then(
    () => {
      throw new Error('the tile was rendered, and should not have been');
    },
    (error: unknown) => error,
  );
  return { error, ...attemptFailure(error) };
}

/** The session renders as if nothing had been. */
export async function expectUsable({ bed, slot }: Suite): Promise<void> {
  const whole = await bed.layers(slot);
  const region = tilesOf(17, 21)[1]!;
  expect(difference(await bed.layers(slot, { region }), cut(whole, region), region)).toBeUndefined();
}

export function testDuties(suite: () => Suite): void {
  test('tells its progress from 0 to 1, never falling, and what its processes used', async () => {
    const { bed, slot } = suite();
    const control = new WatchedControl();
    const { use } = await bed.render(slot, { control });
    const told = control.progressRatios;
    expect(told.every((ratio, index) => ratio >= (told[index - 1] ?? 0) && ratio <= 1)).toBe(true);
    expect(use !== undefined).toBe(bed.subject.program !== undefined);
    if (!use) return;
    expect(use.coreSeconds).toBeGreaterThanOrEqual(0);
    expect(Number.isSafeInteger(use.peakMemoryBytes)).toBe(true);
    expect(use.peakMemoryBytes).toBeGreaterThan(2 ** 20);
  });

  test('ends a tile that is cancelled in the middle, asks often enough to hear it, and goes on with others', async () => {
    const { bed, slot } = suite();
    const control = new WatchedControl((control) => {
      control.cancel();
      return true;
    });
    const { code } = await failureOf(bed.render(slot, { ...bed.subject.slow, control }));
    expect(code).toBe('RENDER_CANCELLED');
    expect(performance.now() - control.cancelledAtMs!).toBeLessThan(CANCEL_MS_MAX);
    expect(control.longestSilenceMs).toBeLessThan(SILENCE_MS_MAX);
    await expectUsable(suite());
  });

  test('hardly begins a tile that is cancelled already', async () => {
    const { bed, slot } = suite();
    const request = { ...bed.subject.slow, control: new WatchedControl() };
    request.control.cancel();
    // The frame is prepared, so that only the tile is measured.
    await failureOf(bed.render(slot, request));
    const startMs = performance.now();
    const { code } = await failureOf(bed.render(slot, request));
    expect(code).toBe('RENDER_CANCELLED');
    expect(performance.now() - startMs).toBeLessThan(CANCEL_MS_MAX);
  });

  test('lets pass what the control throws: the slot is out of memory', async () => {
    const { bed, slot } = suite();
    const excess = new FarmError('TILE_MEMORY_LIMIT', 'the slot holds more than it may');
    let atMs = 0;
    const control = new WatchedControl(() => {
      atMs = performance.now();
      throw excess;
    });
    const { error, permanent } = await failureOf(bed.render(slot, { ...bed.subject.slow, control }));
    expect(error).toBe(excess);
    expect(permanent).toBe(false);
    expect(performance.now() - atMs).toBeLessThan(CANCEL_MS_MAX);
    await expectUsable(suite());
  });
}

/** Last of all. */
export function testLeftovers(suite: () => Suite): void {
  test('has written nothing into its package, and a session that is closed leaves nothing', async () => {
    const { bed } = suite();
    {
      // Its end checks it: a session that is warm, as those of a slot are when they are closed.
      await using slot = await bed.openSlot();
      await bed.layers(slot);
    }
    expect(await bed.package()).toEqual(bed.packageBefore);
  });
}

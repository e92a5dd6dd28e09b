/** Renderers in processes of their own: whatever happens to the process, the tile ends in time and the session goes on. */
import { expect, test } from 'vitest';
import { waitUntil } from '#tests/support/wait-until.js';
import { CANCEL_MS_MAX, expectUsable, failureOf } from './duties.js';
import type { Suite } from './renderer-conformance.js';
import type { Slot } from './test-bed.js';
import { WatchedControl } from './watched-control.js';

/** Stopped for so long, it would have been heard of if stopping alone ended it. */
const STOPPED_MS = 500;

export function testPrograms(suite: () => Suite): void {
  test('fails a tile whose program is killed, with how it ended, and not for good', async () => {
    const { bed, slot } = suite();
    let killedAtMs = 0;
    const control = new WatchedControl(() => {
      if (!signal(slot, 'SIGKILL')) return false;
      killedAtMs = performance.now();
      return true;
    });
    const { code, message, permanent } = await failureOf(bed.render(slot, { ...bed.subject.slow, control }));
    expect({ code, permanent }, message).toEqual({ code: 'RENDER_FAILED', permanent: false });
    expect(message).toContain('SIGKILL');
    expect(performance.now() - killedAtMs).toBeLessThan(CANCEL_MS_MAX);
    await expectUsable(suite());
  });

  test('ends a program that hears nothing any more when its tile is cancelled', async () => {
    const { bed, slot } = suite();
    let stopped: number[] = [];
    const control = new WatchedControl((control) => {
      stopped = slot.programs();
      if (!signal(slot, 'SIGSTOP')) return false;
      setTimeout(() => control.cancel(), STOPPED_MS);
      return true;
    });
    const { code } = await failureOf(bed.render(slot, { ...bed.subject.slow, control }));
    expect(code).toBe('RENDER_CANCELLED');
    expect(performance.now() - control.cancelledAtMs!).toBeLessThan(CANCEL_MS_MAX);
    await waitUntil(() => !slot.programs().some((pid) => stopped.includes(pid)), {
      timeoutMs: CANCEL_MS_MAX,
      describe: () => `the stopped program to be gone; there are ${slot.programs()}`,
    });
    await expectUsable(suite());
  });

  test('ends at the memory of its slot, and not for good', async () => {
    const { bed } = suite();
    await using tiny = await bed.openSlot(bed.subject.program!.tinySlotBytes);
    const { code, message, permanent } = await failureOf(bed.render(tiny, bed.subject.slow));
    expect({ code, permanent }, message).toEqual({ code: 'TILE_MEMORY_LIMIT', permanent: false });
  });
}

/** @returns false: there is no program yet. */
function signal(slot: Slot, name: NodeJS.Signals): boolean {
  const pids = slot.programs();
  for (const pid of pids) process.kill(pid, name);
  return pids.length > 0;
}

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchIdle } from './idle-watch.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function watched(afterMs: number) {
  const state = { isIdle: true, done: 0, isTold: false };
  const { idle, stop } = watchIdle({ afterMs, isIdle: () => state.isIdle, workDone: () => state.done });
  void idle.then(() => {
    state.isTold = true;
  });
  return { state, stop };
}

test('an agent without work for the whole time is idle, and work in hand or between two looks begins it anew', async () => {
  const { state } = watched(10_000);
  await vi.advanceTimersByTimeAsync(9_000);
  state.isIdle = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(state.isTold, 'a long tile').toBe(false);
  state.isIdle = true;
  await vi.advanceTimersByTimeAsync(9_000);
  state.done++;
  await vi.advanceTimersByTimeAsync(9_000);
  expect(state.isTold, 'a short tile between').toBe(false);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(state.isTold).toBe(true);
});

test('0 is never, and a stopped watch tells nothing', async () => {
  const never = watched(0);
  const stopped = watched(1_000);
  stopped.stop();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect([never.state.isTold, stopped.state.isTold]).toEqual([false, false]);
});

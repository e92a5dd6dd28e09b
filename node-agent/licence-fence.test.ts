import { expect, test } from 'vitest';
import { TIMES } from '#shared/limits.js';
import { LicenceFence } from './licence-fence.js';
import type { Moment } from './moment.js';

function fenceByHand() {
  let now: Moment = { monotonicMs: 0, uptimeMs: 0 };
  const told: string[] = [];
  const fence = new LicenceFence({
    onClosed: () => told.push('closed'),
    onOpened: () => told.push('opened'),
    now: () => now,
  });
  const pass = (ms: number, asleepMs = 0) => {
    now = { monotonicMs: now.monotonicMs + ms, uptimeMs: now.uptimeMs + ms + asleepMs };
    return now;
  };
  return { fence, told, pass, now: () => now };
}

test('it is closed before the first contact, open until its time is over, and told of once', () => {
  const { fence, told, pass, now } = fenceByHand();
  using _ = fence;
  expect(fence.isOpen()).toBe(false);
  fence.contact(now());
  expect(fence.isOpen()).toBe(true);
  pass(TIMES.licenceFenceMs - 1);
  expect(fence.isOpen()).toBe(true);
  pass(1);
  expect([fence.isOpen(), fence.isOpen()]).toEqual([false, false]);
  fence.contact(now());
  expect(fence.isOpen()).toBe(true);
  expect(told).toEqual(['opened', 'closed', 'opened']);
});

test('an answer counts from when it was asked for, and a late one does not shorten a newer one', () => {
  const { fence, told, pass, now } = fenceByHand();
  using _ = fence;
  const askedAt = now();
  pass(TIMES.licenceFenceMs);
  fence.contact(askedAt);
  expect(fence.isOpen(), 'asked before a long sleep').toBe(false);
  const newer = now();
  fence.contact(newer);
  pass(TIMES.licenceFenceMs / 2);
  fence.contact(askedAt);
  expect(fence.isOpen()).toBe(true);
  expect(told).toEqual(['opened']);
});

test('time in which the machine was asleep counts, though the monotonic clock stood still', () => {
  const { fence, pass, now } = fenceByHand();
  using _ = fence;
  fence.contact(now());
  pass(5, TIMES.licenceFenceMs);
  expect(fence.isOpen()).toBe(false);
});

import { expect, test } from 'vitest';
import { PublishWindow } from './publish-window.js';

const MIB = 1024 * 1024;

test('one large result per slot is on its way, the next waits until one has arrived', async () => {
  const window = new PublishWindow(2);
  expect(window.enter(5 * MIB)).toBeUndefined();
  expect(window.enter(5 * MIB)).toBeUndefined();
  const order: number[] = [];
  const waiting = [3, 4].map((name) => window.enter(5 * MIB)!.then(() => order.push(name)));
  window.leave(5 * MIB);
  await waiting[0];
  expect(order).toEqual([3]);
  window.leave(5 * MIB);
  await waiting[1];
  expect(order).toEqual([3, 4]);
});

test('small results do not wait for a round trip, but their number is bounded', () => {
  const window = new PublishWindow(1);
  let entered = 0;
  while (window.enter(1000) === undefined) entered++;
  expect(entered).toBe(64);
});

import { expect, test } from 'vitest';
import { sharedBytesOf } from './shared-bytes.js';

test('shared buffers count once, others not', () => {
  const shared = new SharedArrayBuffer(4096);
  const frame = {
    bvh: { nodes: new Float32Array(shared, 0, 16), again: new Uint8Array(shared) },
    images: [{ data: new Uint8Array(new SharedArrayBuffer(100)) }, { data: new Uint8Array(50) }],
    tables: new Map([['a', new SharedArrayBuffer(10)]]),
    numbers: [1, 2, 3],
    nothing: null,
  };
  expect(sharedBytesOf(frame)).toBe(4206);
  expect(sharedBytesOf(undefined)).toBe(0);
  const circular: { self?: unknown } = {};
  circular.self = circular;
  expect(sharedBytesOf(circular)).toBe(0);
});

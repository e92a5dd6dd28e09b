import { expect, test } from 'vitest';
import { deviceOf, gpuTypeOf } from './render-device.js';

test('a version says which device it computes with', () => {
  expect(gpuTypeOf('3.4.1+4f4a7cd28cfd.optix.glibc2.36')).toBe('optix');
  expect(gpuTypeOf('3.4.1+4f4a7cd28cfd.hip')).toBe('hip');
  expect(deviceOf('3.4.1+4f4a7cd28cfd.cuda.glibc2.36')).toBe('gpu');
});

test('what only looks like a device is none', () => {
  for (const version of ['1.0.0', '3.4.1+4f4a7cd28cfd.x86-64-v3.glibc2.36', 'cuda', '1.hipster', '1.0-optix'])
    expect(deviceOf(version), version).toBe('cpu');
});

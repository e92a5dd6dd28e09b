import { expect, test } from 'vitest';
import { FarmError } from '#shared/errors.js';
import { withFreePort } from './free-port.js';

test('ports lie below those of outgoing connections', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, () => withFreePort(async (port) => port)));
  for (const port of ports) expect(port > 1024 && port < 32_768, String(port)).toBe(true);
});

test('a port that was taken in between is another try, and no other error is', async () => {
  const tried: number[] = [];
  const start = async (port: number) => {
    tried.push(port);
    if (tried.length < 3) throw new FarmError('PORT_TAKEN', `port ${port} is taken`);
    return port;
  };
  expect(await withFreePort(start)).toBe(tried[2]);
  expect(tried).toHaveLength(3);
  await expect(withFreePort(() => Promise.reject(new FarmError('PORT_TAKEN', 'always')))).rejects.toThrow(
    'always',
  );
  const failing = () => Promise.reject(new FarmError('TOOL_MISSING', 'no program'));
  await expect(withFreePort(failing)).rejects.toThrow('no program');
});

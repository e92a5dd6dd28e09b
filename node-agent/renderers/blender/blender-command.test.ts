import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { blenderRequest } from './blender-command.js';

test('Blender gets the threads that are asked for, at most as many as the machine has cores', () => {
  const start = {
    installation: { name: 'blender', version: '3.4.1', executable: '/usr/bin/blender' },
    ...({ sandbox: 'none', script: 'worker.py', allowScripts: false } as const),
    ...{ sceneFolder: '/package', scratchFolder: '/scratch', memoryBytesMax: 2 ** 30 },
  };
  const threads = (count: number) => {
    const { args } = blenderRequest({ ...start, threads: count });
    return args[args.indexOf('-t') + 1];
  };
  expect(threads(1)).toBe('1');
  expect(threads(1024)).toBe(String(availableParallelism()));
});

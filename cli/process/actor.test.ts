import { expect, test } from 'vitest';
import { actor } from './actor.js';

test('who asks is user@host, on one line and of bounded length', () => {
  const who = (user: string, host: string) => actor({ user: () => user, host: () => host });
  expect(who('ana', 'ws12')).toBe('ana@ws12');
  expect(who('a\nb c', 'h')).toBe('a-b-c@h');
  expect(who('x'.repeat(500), 'h')).toHaveLength(128);
  expect(actor()).toMatch(/^[^\s@]+@[^\s]+$/);
});

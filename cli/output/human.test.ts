import { expect, test } from 'vitest';
import { clockTime, counted, humanBytes, humanDuration, perSecond } from './human.js';
import { table } from './table.js';

test('sizes have one decimal until it says nothing', () => {
  expect([0, 1023, 1024, 1_572_864, 200 * 1024 ** 3].map(humanBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 MiB',
    '200 GiB',
  ]);
});

test('times have two units at most', () => {
  expect([-5, 4_200, 59_400, 192_000, 7_500_000, 273_600_000].map(humanDuration)).toEqual([
    '0.0s',
    '4.2s',
    '59s',
    '3m12s',
    '2h05m',
    '3d4h',
  ]);
  expect([7, 750, 3723].map(clockTime)).toEqual(['0:07', '12:30', '1:02:03']);
});

test('a rate over no time is none', () => {
  expect([perSecond(5, 0, 'tiles'), perSecond(5, 10_000, 'tiles'), perSecond(231, 10_000, 'tiles')]).toEqual([
    '0.0 tiles/s',
    '0.5 tiles/s',
    '23 tiles/s',
  ]);
});

test('columns are as wide as their widest cell, and a cell cannot break its line', () => {
  expect(
    table(
      ['JOB', 'STATE'],
      [
        ['a-long-name', 'ready'],
        ['b', 'x\ny\u001b[2J'],
      ],
    ),
  ).toBe('JOB           STATE\na-long-name   ready\nb             x | y [2J\n');
});

test('one is not many', () => {
  expect([0, 1, 2].map((count) => counted(count, 'file'))).toEqual(['0 files', '1 file', '2 files']);
});

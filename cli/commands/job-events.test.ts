import { expect, it } from 'vitest';
import { failedFramesText } from './failed-frames.js';
import { eventCells, eventLines, finishedTileText } from './job-events.js';

const event = {
  sequence: 1,
  atMs: 0,
  jobId: 'j',
  kind: 'attempt_failed',
  frame: 2,
  tile: 5,
  attempt: 1,
  nodeId: 'a',
  state: 'running',
  message: 'RENDER_FAILED: out of\nluck',
  progress: null,
};

it('an event is one line, and columns stand below one another while they grow', () => {
  const line = eventLines();
  const { frame: _frame, tile: _tile, attempt: _attempt, ...ofJob } = event;
  expect([
    line(eventCells(event as never)),
    line(eventCells({ ...event, nodeId: 'a-much-longer-node' } as never)),
    line(eventCells({ ...ofJob, kind: 'started', nodeId: '', message: '' } as never)),
  ]).toEqual([
    '1970-01-01T00:00:00.000Z   attempt_failed    0002    5      1     a          RENDER_FAILED: out of | luck\n',
    '1970-01-01T00:00:00.000Z   attempt_failed    0002    5      1     a-much-longer-node   RENDER_FAILED: out of | luck\n',
    '1970-01-01T00:00:00.000Z   started\n',
  ]);
});

it('a failed frame says which tile failed, who tried it and why it failed in the end, in one line', () => {
  const attempts = ['a', 'b', 'a'].map((nodeId, index) => ({
    ...{ attempt: index + 1, nodeId, atMs: 0, code: 'RENDER_FAILED', message: `no ${index}`, logTail: '' },
  }));
  const frame = { frame: 2, failedTiles: [{ tile: 5, attempts }], reason: 'no 2' };
  expect(failedFramesText('j', [frame as never]).split('\n')[1]).toBe(
    '  frame 0002, tile 5: 3 tries (a, b): RENDER_FAILED: no 2',
  );
  const unstitched = { frame: 3, failedTiles: [], reason: 'cannot be put together' };
  const many = Array.from({ length: 30 }, () => unstitched as never);
  const lines = failedFramesText('j', many).split('\n');
  expect(lines[1]).toBe('  frame 0003: cannot be put together');
  expect(lines[21]).toMatch(/and 10 more/);
  expect(failedFramesText('j', [])).toBe('');
});

it('a finished tile says who rendered it, at which try, how long it took, and who agreed', () => {
  const tile = { tile: 2, nodeId: 'x', attempt: 1, renderMs: 1_234, agreedNodeId: '' };
  expect(finishedTileText(tile)).toBe('tile 2: rendered by node x, attempt 1, 1.2s\n');
  expect(finishedTileText({ ...tile, attempt: 3, renderMs: 20, agreedNodeId: 'y' })).toBe(
    'tile 2: rendered by node x, attempt 3, 20ms; node y gave the same pixels\n',
  );
});

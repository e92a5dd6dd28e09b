/**
 * Loaded into a process before anything else (NODE_OPTIONS=--import): how late its event loop is, and its memory, into a file
 * that `loop-delay.ts` reads. SIGUSR2 begins anew.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { LOOP_DELAY_FILE, type LoopDelay } from './loop-delay.js';

/** A timer is asked for so often; what it is late is the delay, so this is the finest that is told, ms. */
const RESOLUTION_MS = 1;
const TELL_EVERY_MS = 250;
const NS_PER_MS = 1e6;
const MIB = 2 ** 20;

const file = process.env[LOOP_DELAY_FILE];
if (isMainThread && file !== undefined) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let rssBytesMax = 0;
  process.on('SIGUSR2', () => {
    histogram.reset();
    rssBytesMax = 0;
  });
  // The histogram holds the time between two turns of its timer, of which the resolution is no delay.
  const delayMs = (ns: number) => Math.max(0, ns / NS_PER_MS - RESOLUTION_MS);
  const tell = () => {
    rssBytesMax = Math.max(rssBytesMax, process.memoryUsage.rss());
    const told: LoopDelay = {
      count: histogram.count,
      p50Ms: delayMs(histogram.percentile(50)),
      p99Ms: delayMs(histogram.percentile(99)),
      maxMs: delayMs(histogram.max),
      rssMibMax: rssBytesMax / MIB,
    };
    writeFileSync(`${file}.new`, JSON.stringify(told));
    renameSync(`${file}.new`, file);
  };
  setInterval(tell, TELL_EVERY_MS).unref();
}

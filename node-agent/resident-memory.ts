/** Resident memory of this process, all slots together: what is told where a slot's own use is not known. */
const SAMPLE_EVERY_MS = 200;

let sampledAtMs = Number.NEGATIVE_INFINITY;
let sampleBytes = 0;

/** At most `SAMPLE_EVERY_MS` old: reading it takes a system call, and a no-op tile takes a fraction of a ms. */
export function residentBytes(): number {
  const nowMs = performance.now();
  if (nowMs - sampledAtMs > SAMPLE_EVERY_MS) {
    sampledAtMs = nowMs;
    sampleBytes = process.memoryUsage.rss();
  }
  return sampleBytes;
}

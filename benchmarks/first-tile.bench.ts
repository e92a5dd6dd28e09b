/**
 * How soon a warm farm is at work on a new job: from the client's first call (package, submit) to the start of the first
 * tile. The start is the arrival of the first result minus the time that it says it rendered, so it errs on the late
 * side by the result's way through the bus.
 */
import { decodeMessage, RESULT_HEADER, type ResultMeta, resultMetaSchema } from '#shared/bus/messages.js';
import { invariant } from '#shared/invariant.js';
import type { Benchmark, Figures } from './support/benchmark.js';
import { percentile, rounded } from './support/statistics.js';
import { type PlannedJob, startWarmFarm, type WarmFarm } from './support/warm-farm.js';

const WARM_UP = 5;
const SUBMITS = 60;

export const benchmark: Benchmark = {
  question: 'how long after a submit does a warm farm start the first tile?',
  async run(say) {
    await using farm = await startWarmFarm();
    using results = listenToResults(farm);
    const job = await farm.job({
      renderer: 'synthetic',
      size: '32x32',
      tile: '16',
      frames: '0',
      format: 'exr',
    });
    say(`${WARM_UP} submits to warm up, then ${SUBMITS} …`);
    for (let submit = 0; submit < WARM_UP; submit++) await submitOnce(job, results);
    const answeredMs: number[] = [];
    const startedMs: number[] = [];
    for (let submit = 0; submit < SUBMITS; submit++) {
      const took = await submitOnce(job, results);
      answeredMs.push(took.answeredMs);
      startedMs.push(took.startedMs);
    }
    const p50 = rounded(percentile(startedMs, 0.5));
    return {
      rows: [{ submits: SUBMITS, ...spread('answered', answeredMs), ...spread('firstTile', startedMs) }],
      targets: [{ what: 'submit → first tile started, p50 in ms,', value: p50, atMost: 100 }],
    };
  },
};

interface Results extends Disposable {
  /** The first result of this job, as soon as it is there, and when that was (`performance.now()`). */
  first(jobId: string): Promise<{ atMs: number; meta: ResultMeta }>;
}

async function submitOnce(
  job: PlannedJob,
  results: Results,
): Promise<{ answeredMs: number; startedMs: number }> {
  const submittedAtMs = performance.now();
  const { jobId, ended } = await job.submit();
  const answeredMs = performance.now() - submittedAtMs;
  const { atMs, meta } = await results.first(jobId);
  invariant(meta.outcome.kind === 'rendered', `the first tile of ${jobId} failed`);
  await ended();
  return { answeredMs, startedMs: atMs - meta.renderMs - submittedAtMs };
}

/** Whatever is published to a stream reaches plain subscribers too. */
function listenToResults(farm: WarmFarm): Results {
  type First = { atMs: number; meta: ResultMeta };
  const firsts = new Map<string, First>();
  const waiting = new Map<string, (first: First) => void>();
  const subscription = farm.bus.connection.subscribe(farm.bus.names.resultsAll, {
    callback: (error, message) => {
      invariant(!error, `listening to results: ${error?.message}`);
      const atMs = performance.now();
      const meta = decodeMessage(resultMetaSchema, message.headers?.get(RESULT_HEADER) ?? '', 'result');
      if (firsts.has(meta.jobId)) return;
      firsts.set(meta.jobId, { atMs, meta });
      waiting.get(meta.jobId)?.({ atMs, meta });
    },
  });
  return {
    first: async (jobId) => firsts.get(jobId) ?? new Promise((resolve) => waiting.set(jobId, resolve)),
    [Symbol.dispose]: () => subscription.unsubscribe(),
  };
}

function spread(what: string, ms: readonly number[]): Figures {
  return Object.fromEntries([50, 95, 99].map((p) => [`${what}MsP${p}`, rounded(percentile(ms, p / 100))]));
}

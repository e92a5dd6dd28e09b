/**
 * The agent alone on what the raw loop does: tiles that were queued before the clock starts are pulled, rendered (for
 * nothing) in its threads, published and acked. Nobody feeds the queue or reads the results meanwhile.
 */
import { invariant } from '#shared/invariant.js';
import { endJob, startAgentFarm } from '#tests/support/agent-farm.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { timed } from './statistics.js';

const FRAME_PX = 512;
const TIMEOUT_MS = 120_000;

/** @returns tiles per second of each round. */
export async function agentCycle(options: {
  tilePx: number;
  frames: number;
  rounds: number;
}): Promise<number[]> {
  await using farm = await startAgentFarm();
  const agent = await farm.startAgent();
  const manifest = farm.blobs.add({ 'scene.txt': 'no-op' });
  const { tilesStream, resultsStream } = farm.bus.names;
  const rates: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const record = farm.job(manifest, { widthPx: FRAME_PX, heightPx: FRAME_PX });
    let tiles = 0;
    for (let frame = 0; frame < options.frames; frame++)
      tiles += await farm.queue(record, frame, options.tilePx);
    const { ms } = await timed(async () => {
      await farm.assign(agent.nodeId, [record]);
      await waitUntil(async () => (await farm.bus.jsm.streams.info(tilesStream)).state.messages === 0, {
        timeoutMs: TIMEOUT_MS,
        describe: 'every tile acked',
      });
    });
    const { state } = await farm.bus.jsm.streams.info(resultsStream);
    invariant(state.messages === tiles, `${state.messages} results of ${tiles} tiles are stored`);
    await farm.assign(agent.nodeId, []);
    await endJob(farm, record.jobId);
    await farm.bus.jsm.streams.purge(resultsStream);
    rates.push((tiles / ms) * 1000);
  }
  return rates;
}

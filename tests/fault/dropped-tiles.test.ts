/** What an agent does when the answer to its heartbeat says that tiles are no longer its own. */
import type { Msg } from '@nats-io/transport-node';
import { expect, it } from 'vitest';
import {
  decodeMessage,
  encodeMessage,
  type HeartbeatAnswer,
  type HeldAttempt,
  heartbeatSchema,
} from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import { type AgentFarm, startAgentFarm } from '#tests/support/agent-farm.js';
import { waitUntil } from '#tests/support/wait-until.js';

/** Ten minutes: none of them ends by itself. */
const SLOW_MS = 600_000;
const name = (held: HeldAttempt) => held.join('/');

it('drops them at once, rendering or not, and acknowledges what nobody needs', async () => {
  await using farm = await startAgentFarm();
  const record = farm.job(farm.blobs.add({ 'a.json': '{}' }), { syntheticCostMs: SLOW_MS });
  await farm.queue(record, 0, 16);
  const beats = listen(farm);
  await farm.startAgent({ slots: 2 });
  await farm.assign('node-1', [record]);
  await waitUntil(() => beats.held().length === 4 && beats.busy() === 2, {
    describe: () => `two tiles rendering and two at hand; there are ${beats.held()}`,
  });
  const [renderingOver, renderingTaken, bufferedOver, kept] = beats.held() as [
    HeldAttempt,
    HeldAttempt,
    HeldAttempt,
    HeldAttempt,
  ];
  const { jobId } = record;
  beats.answer({
    over: [{ jobId, attempts: [renderingOver, bufferedOver] }],
    taken: [{ jobId, attempts: [renderingTaken] }],
  });
  const dropped = [renderingOver, renderingTaken, bufferedOver].map(name);
  // Their places are taken by the next tiles of the queue: nothing else is lost.
  await waitUntil(
    () =>
      beats.held().length === 4 &&
      beats.busy() === 2 &&
      !beats.held().some((one) => dropped.includes(name(one))),
    { describe: () => `other tiles in hand; there are ${beats.held()}` },
  );
  expect(beats.held().map(name)).toContain(name(kept));
  const isQueued = async (held: HeldAttempt) =>
    (await retryCall('read tile', () =>
      farm.bus.jsm.streams.getMessage(farm.bus.names.tilesStream, { seq: held[3] }),
    )) !== null;
  for (const over of [renderingOver, bufferedOver])
    await waitUntil(async () => !(await isQueued(over)), { describe: `attempt ${over} acknowledged` });
  expect(await isQueued(renderingTaken), 'it is for the other node to acknowledge').toBe(true);
  expect(await farm.results(jobId)).toEqual([]);
});

/** Plays the coordinator. */
function listen(farm: AgentFarm) {
  let last: Msg | undefined;
  farm.bus.connection.subscribe(farm.bus.names.heartbeatsAll, {
    callback: (error, message) => {
      if (!error) last = message;
    },
  });
  const beat = () => (last ? decodeMessage(heartbeatSchema, last.data, 'heartbeat') : undefined);
  return {
    held: (): HeldAttempt[] => beat()?.inHand.flatMap(({ attempts }) => attempts) ?? [],
    busy: (): number => beat()?.slotsBusy ?? 0,
    answer: (answer: HeartbeatAnswer) => last?.respond(encodeMessage(answer)),
  };
}

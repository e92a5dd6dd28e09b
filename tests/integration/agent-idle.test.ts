/** An agent that ends by itself when there is no work, and never with some in hand. */
import { expect, test } from 'vitest';
import { startAgentFarm } from '#tests/support/agent-farm.js';
import { heartbeatLog } from '#tests/support/heartbeat-log.js';
import { NO_PROGRAMS } from '#tests/support/no-programs.js';
import { waitUntil } from '#tests/support/wait-until.js';
import { guian, testFolder } from './cli-program.js';

test('guian agent --exit-when-idle says goodbye and exits with 0, once its tiles are done and stored', async () => {
  await using farm = await startAgentFarm();
  using folder = testFolder();
  // Each tile takes longer than the time without work.
  const record = farm.job(farm.blobs.add({ 'a.json': '{"waitMs": 1500}' }), { widthPx: 32, heightPx: 16 });
  await farm.queue(record, 0, 16);
  await farm.assign('node-1', [record]);
  using beats = heartbeatLog(farm);
  const args = [
    ...['agent', '--node-id', 'node-1', '--slots', '1', '--nats', farm.nats.url, '--prefix', 'test'],
    ...['--coordinator', farm.blobs.address, '--cache', folder.path, '--exit-when-idle', '500ms'],
    ...NO_PROGRAMS,
  ];
  const { code, stderr } = await guian(args, folder);
  expect(code).toBe(0);
  expect(stderr).toContain('guian: stopping: no work for 500ms');
  await waitUntil(() => beats.last()?.leaving, { describe: 'its goodbye' });
  expect((await farm.results(record.jobId)).length).toBe(2);
});

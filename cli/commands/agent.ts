/** `guian agent`: runs this machine's node agent in this process. */
import { Command } from 'commander';
import { agentConfig } from '#node-agent/config.js';
import type { RunningAgent } from '#node-agent/main.js';
import { formatDurationMs } from '#shared/domain/duration.js';
import { counted } from '../output/human.js';
import { addConfigOptions, loadConfig } from '../process/config-options.js';
import { runService } from '../process/run-service.js';

export function agentCommand(): Command {
  const command = new Command('agent').description(
    "Runs this machine's agent: takes tiles from NATS, renders them, publishes the results.",
  );
  return addConfigOptions(command, agentConfig)
    .option('--json', 'print the ready line as JSON')
    .action((options: Record<string, unknown>) =>
      runService(
        async () => {
          const config = loadConfig(agentConfig, options);
          const { runAgent } = await import('#node-agent/main.js');
          const running = await runAgent(config);
          return {
            ready: { nodeId: running.nodeId },
            readyText: `agent ${running.nodeId} ready, ${config.slots} slots`,
            close: (graceMs = config.graceMs) => {
              tellWork(running.atWork, graceMs);
              return running.close(graceMs);
            },
            failed: running.failed,
            done: running.idle.then(() => tellIdle(config.exitWhenIdleMs)),
          };
        },
        { json: options['json'] === true },
      ),
    );
}

function tellIdle(exitWhenIdleMs: number): void {
  process.stderr.write(`guian: stopping: no work for ${formatDurationMs(exitWhenIdleMs)}\n`);
}

/** Whoever stops an agent and sees it go on wants to know what it waits for. */
function tellWork({ rendering, publishing }: RunningAgent['atWork'], graceMs: number): void {
  if (rendering + publishing === 0) return;
  const work = `${counted(rendering, 'tile')} rendering, ${counted(publishing, 'result')} on the way`;
  const fate =
    graceMs > 0
      ? `they have ${formatDurationMs(graceMs)}, then other nodes get them (a second signal: at once)`
      : 'other nodes get them';
  process.stderr.write(`guian: stopping: ${work}; ${fate}\n`);
}

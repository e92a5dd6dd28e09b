/** `guian agent`: runs this machine's node agent in this process. */
import { Command } from 'commander';
import { agentConfig } from '#node-agent/config.js';
import { addConfigOptions, loadConfig } from '../process/config-options.js';
import { runService } from '../process/run-service.js';

/** What a tile in work may still take when the agent is asked to stop; after that it is handed back to the queue. */
const GRACE_MS = 5_000;

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
            close: () => running.close(GRACE_MS),
          };
        },
        { json: options['json'] === true },
      ),
    );
}

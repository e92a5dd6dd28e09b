/** `guian coordinator`: runs the coordinator in this process. */
import { Command } from 'commander';
import { coordinatorConfig } from '#coordinator/config.js';
import { isLoopback } from '#shared/config.js';
import { addConfigOptions, loadConfig } from '../process/config-options.js';
import { runService } from '../process/run-service.js';

export function coordinatorCommand(): Command {
  const command = new Command('coordinator').description(
    'Runs the coordinator: takes jobs over gRPC, queues their tiles on NATS, stitches and keeps frames.',
  );
  return addConfigOptions(command, coordinatorConfig)
    .option('--json', 'print the ready line as JSON')
    .action((options: Record<string, unknown>) =>
      runService(
        async () => {
          const config = loadConfig(coordinatorConfig, options);
          if (!isLoopback(config.listen)) {
            process.stderr.write(
              `guian: warning: ${config.listen} can be reached from other machines, and this version asks for no password; use it in a trusted network only\n`,
            );
          }
          const { runCoordinator } = await import('#coordinator/main.js');
          const running = await runCoordinator(config);
          return {
            ready: { address: running.address },
            readyText: `coordinator ready on ${running.address}`,
            close: () => running.close(),
            failed: running.failed,
          };
        },
        { json: options['json'] === true },
      ),
    );
}

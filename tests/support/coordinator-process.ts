/** A coordinator as a process of its own, so that a test can SIGKILL it. Its argument is the configuration as JSON. */
import { type CoordinatorConfig, runCoordinator } from '#coordinator/main.js';

const config = JSON.parse(process.argv[2]!) as CoordinatorConfig;
const coordinator = await runCoordinator(config);
process.send?.({ address: coordinator.address });

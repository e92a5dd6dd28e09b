/**
 * A coordinator as a process of its own, so that a test can SIGKILL it. Its arguments are the configuration as JSON, and
 * the point at which it kills itself, or nothing.
 */
import { type CoordinatorConfig, runCoordinator } from '#coordinator/main.js';
import { type KillPoint, killedAt } from './kill-points.js';

const config = JSON.parse(process.argv[2]!) as CoordinatorConfig;
const killAt = process.argv[3];
const coordinator = await runCoordinator(config, killAt ? killedAt(killAt as KillPoint) : {});
process.send?.({ address: coordinator.address });

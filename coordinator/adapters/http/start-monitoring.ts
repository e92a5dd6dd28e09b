/** The coordinator's HTTP endpoint with what it shows: metrics of this farm, and whether its bus and its store answer. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Bus } from '#shared/bus/connect.js';
import type { Logger } from '#shared/log.js';
import { FarmMetrics, type FarmMetricsParts } from './farm-metrics.js';
import { type MonitoringServer, startHttpServer } from './http-server.js';
import { Readiness } from './readiness.js';

export interface MonitoringParts extends FarmMetricsParts {
  readonly bus: Pick<Bus, 'connection'>;
  readonly storeDir: string;
  readonly log: Logger;
}

/** @throws PORT_TAKEN */
export async function startMonitoring(listen: string, parts: MonitoringParts): Promise<MonitoringServer> {
  const { bus, storeDir, log } = parts;
  const readiness = new Readiness([
    // A server that hangs is as good as none: it has to answer.
    { trouble: 'the NATS server does not answer', ask: () => bus.connection.flush() },
    {
      trouble: 'the store cannot be written to',
      ask: () => access(storeDir, constants.R_OK | constants.W_OK | constants.X_OK),
    },
  ]);
  const metrics = new FarmMetrics(parts);
  try {
    const server = await startHttpServer(listen, { metrics, readiness, log });
    return {
      ...server,
      async close() {
        await server.close();
        metrics[Symbol.dispose]();
      },
    };
  } catch (error) {
    metrics[Symbol.dispose]();
    throw error;
  }
}

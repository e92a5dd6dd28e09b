/** What the coordinator's loops and services share: connections, the store, the jobs, and a signal that ends it all. */
import type { Bus } from '#shared/bus/connect.js';
import type { Clock } from '#shared/clock.js';
import type { Logger } from '#shared/log.js';
import type { EventLog } from './adapters/events/event-log.js';
import type { Store } from './adapters/store/store.js';
import type { StitchRequest, StitchResult } from './frames/stitch-request.js';
import type { JobRegistry } from './jobs/job-registry.js';
import type { BlamePolicy } from './scheduling/judge-nodes.js';

export interface Farm {
  readonly bus: Bus;
  readonly store: Store;
  readonly jobs: JobRegistry;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly log: Logger;
  /** Encoded results held in memory until their frame is complete; the rest are read again from the stream. */
  readonly collectedBytesMax: number;
  /** When failures keep tiles from a node, and for how long. */
  readonly blamePolicy: BlamePolicy;
  /** Aborts when the coordinator closes. */
  readonly signal: AbortSignal;
}

/** Puts a frame together in another thread. */
export interface Stitcher {
  stitch(request: StitchRequest): Promise<StitchResult>;
}

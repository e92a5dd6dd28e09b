/** Every name on the bus, built from one prefix. Nothing else in the farm spells a subject, a stream or a bucket. */
import type { JobId, NodeId } from '../domain/ids.js';

export interface BusNames {
  readonly prefix: string;
  readonly tilesStream: string;
  readonly resultsStream: string;
  readonly eventsStream: string;
  readonly assignmentsBucket: string;
  readonly jobsBucket: string;
  readonly tilesAll: string;
  readonly resultsAll: string;
  readonly eventsAll: string;
  readonly heartbeatsAll: string;
  /** Core NATS: the coordinator asks every node for a heartbeat now. */
  readonly rollCall: string;
  /** One subject per attempt, so that the queue can hold each attempt once and can be asked which it holds. */
  tile(key: TileAddress): string;
  tilesOfJob(jobId: JobId): string;
  result(key: TileAddress, part: number): string;
  resultsOfJob(jobId: JobId): string;
  resultsOfFrame(jobId: JobId, frame: number): string;
  event(jobId: JobId): string;
  heartbeat(nodeId: NodeId): string;
  /** Core NATS: a node reads a scene with its renderer and tells what is in it. */
  inspect(nodeId: NodeId): string;
  /** Durable consumer of a job's tiles. */
  consumer(jobId: JobId): string;
}

/** What names one try at one tile. */
export interface TileAddress {
  readonly jobId: JobId;
  readonly frame: number;
  readonly tile: number;
  readonly attempt: number;
}

export function busNames(prefix: string): BusNames {
  const upper = prefix.toUpperCase().replaceAll('.', '_');
  const lower = prefix.replaceAll('.', '_');
  return {
    prefix,
    tilesStream: `${upper}_TILES`,
    resultsStream: `${upper}_RESULTS`,
    eventsStream: `${upper}_EVENTS`,
    assignmentsBucket: `${lower}_assignments`,
    jobsBucket: `${lower}_jobs`,
    tilesAll: `${prefix}.tiles.>`,
    resultsAll: `${prefix}.results.>`,
    eventsAll: `${prefix}.events.>`,
    heartbeatsAll: `${prefix}.heartbeat.*`,
    rollCall: `${prefix}.rollcall`,
    tile: ({ jobId, frame, tile, attempt }) => `${prefix}.tiles.${jobId}.${frame}.${tile}.${attempt}`,
    tilesOfJob: (jobId) => `${prefix}.tiles.${jobId}.>`,
    result: ({ jobId, frame, tile, attempt }, part) =>
      `${prefix}.results.${jobId}.${frame}.${tile}.${attempt}.${part}`,
    resultsOfJob: (jobId) => `${prefix}.results.${jobId}.>`,
    resultsOfFrame: (jobId, frame) => `${prefix}.results.${jobId}.${frame}.>`,
    event: (jobId) => `${prefix}.events.${jobId}`,
    heartbeat: (nodeId) => `${prefix}.heartbeat.${nodeId}`,
    inspect: (nodeId) => `${prefix}.inspect.${nodeId}`,
    consumer: (jobId) => jobId,
  };
}

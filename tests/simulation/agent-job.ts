/** What an agent has of one job: its tiles at hand, what it asked for, and why it would not ask for more. */
import { AvoidedTiles } from '#node-agent/avoided-tiles.js';
import { Brake } from '#node-agent/brake.js';
import type { JobShare } from '#node-agent/fair-share.js';
import type { JobId } from '#shared/domain/ids.js';
import type { TileMessage } from './tile-queue.js';

export interface Ticket {
  readonly tile: TileMessage;
  message: { readonly seq: number };
  state: 'buffered' | 'rendering' | 'publishing';
  takenAtMs: number;
  ifUnfinished: 'hand back' | 'acknowledge' | 'say nothing';
  isCancelled: boolean;
}

export interface Job {
  readonly jobId: JobId;
  share: JobShare;
  readonly tickets: Map<string, Ticket>;
  outstanding: number;
  askedAtMs: number;
  isDry: boolean;
  rendering: number;
  servedAt: number;
  meanTileMs: number | undefined;
  heldUntilMs: number;
  readonly avoided: AvoidedTiles;
  readonly brake: Brake;
}

export function newJob(jobId: JobId, servedAt: number): Job {
  return {
    ...{
      jobId,
      share: { slots: 0 },
      tickets: new Map(),
      outstanding: 0,
      isDry: false,
      rendering: 0,
      servedAt,
      meanTileMs: undefined,
    },
    ...{ askedAtMs: 0, heldUntilMs: 0, avoided: new AvoidedTiles(), brake: new Brake() },
  };
}

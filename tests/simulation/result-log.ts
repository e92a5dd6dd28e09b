/** The results stream: in the order in which results arrive, each under its own id once, until its frame is purged. */
import type { JobId, NodeId } from '#shared/domain/ids.js';
import { TIMES } from '#shared/limits.js';

export interface LoggedResult {
  readonly sequence: number;
  readonly atMs: number;
  readonly jobId: JobId;
  readonly frame: number;
  readonly tile: number;
  readonly attempt: number;
  readonly nodeId: NodeId;
  readonly renderMs: number;
  readonly outcome: ResultOutcome;
}

export type ResultOutcome =
  | {
      readonly kind: 'rendered';
      /** What is in it. */
      readonly pixels: string;
      /** Damaged on its way: its bytes are not what its digest says. */
      readonly isGarbled: boolean;
    }
  | { readonly kind: 'failed'; readonly code: string; readonly permanent: boolean };

export class ResultLog {
  private readonly results = new Map<number, LoggedResult>();
  /** Ids that the stream remembers, and since when. */
  private readonly ids = new Map<string, number>();
  lastSequence = 0;
  /** Whoever reads. */
  onAppend: () => void = () => undefined;

  /** @param id a second one with it is dropped, as if it were stored, for two minutes. */
  append(id: string, result: Omit<LoggedResult, 'sequence'>): void {
    const knownAtMs = this.ids.get(id);
    if (knownAtMs !== undefined && result.atMs - knownAtMs < TIMES.dedupeWindowMs) return;
    this.ids.set(id, result.atMs);
    const sequence = ++this.lastSequence;
    this.results.set(sequence, { ...result, sequence });
    this.onAppend();
  }

  /** Results behind a sequence, in order. */
  *after(sequence: number): Generator<LoggedResult> {
    for (let next = sequence + 1; next <= this.lastSequence; next++) {
      const result = this.results.get(next);
      if (result) yield result;
    }
  }

  has(sequence: number): boolean {
    return this.results.has(sequence);
  }

  delete(sequence: number): void {
    this.results.delete(sequence);
  }

  purge(jobId: JobId, frame?: number): void {
    for (const [sequence, result] of this.results)
      if (result.jobId === jobId && (frame === undefined || result.frame === frame))
        this.results.delete(sequence);
  }

  all(): LoggedResult[] {
    return [...this.results.values()];
  }
}

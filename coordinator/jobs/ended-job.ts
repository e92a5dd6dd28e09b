/**
 * A job that has ended, as long as the coordinator runs: what lists show of it, and its record packed, to be unpacked when
 * somebody asks. A farm that has run for a year knows tens of thousands of them.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { JobId } from '#shared/domain/ids.js';
import type { JobRecord } from '#shared/domain/job.js';
import type { EndedRecord } from '../adapters/store/records.js';
import { tileGrid } from '../planning/tile-grid.js';

export class EndedJob {
  readonly jobId: JobId;
  readonly ended: EndedRecord;
  readonly createdAtMs: number;
  readonly framesTotal: number;
  readonly tilesPerFrame: number;
  /** What each of its slots needed: an agent may not have ended its tiles yet. */
  readonly licences: readonly string[];
  /** Deflated JSON. A string of one byte per character: a small buffer costs twice its bytes more. */
  private readonly packed: string;

  constructor(record: JobRecord, ended: EndedRecord) {
    this.jobId = record.jobId;
    this.ended = ended;
    this.createdAtMs = record.createdAtMs;
    this.framesTotal = record.frames.length;
    this.tilesPerFrame = tileGrid(record.settings, record.plan).count;
    this.licences = record.schedule.licences;
    this.packed = deflateRawSync(JSON.stringify(record)).toString('latin1');
  }

  /** Unpacked anew each time. */
  get record(): JobRecord {
    return JSON.parse(inflateRawSync(Buffer.from(this.packed, 'latin1')).toString()) as JobRecord;
  }
}

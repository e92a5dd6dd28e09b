/** The bucket of assignments: read once at start, written since, and watched for writes of others. */
import type { KV } from '@nats-io/kv';
import { type Assignment, assignmentSchema, decodeMessage, encodeMessage } from '#shared/bus/messages.js';
import { retryCall } from '#shared/bus/retry-call.js';
import type { NodeId } from '#shared/domain/ids.js';
import { messageOf } from '#shared/errors.js';
import type { Farm } from '../farm.js';

export interface StoredAssignment {
  readonly nodeId: NodeId;
  /** Nothing: it could not be read. */
  readonly assignment: Assignment | undefined;
  readonly revision: number;
}

export class AssignmentBucket {
  private readonly farm: Farm;
  private bucket: KV | undefined;
  /** Of the bucket's last write, if it was ours. */
  private lastRevision = 0;
  /** Revisions between two writes of ours. */
  private hasGap = false;
  private writing = 0;

  constructor(farm: Farm) {
    this.farm = farm;
  }

  async open(): Promise<readonly StoredAssignment[]> {
    const { bus, signal, log } = this.farm;
    const bucket = await retryCall(
      'open bucket of assignments',
      () => bus.kvm.open(bus.names.assignmentsBucket),
      signal,
    );
    this.bucket = bucket;
    const keys = await retryCall(
      'list assignments',
      async () => {
        const all: string[] = [];
        for await (const key of await bucket.keys()) all.push(key);
        return all;
      },
      signal,
    );
    const stored: StoredAssignment[] = [];
    for (const key of keys) {
      const entry = await retryCall(`read assignment ${key}`, () => bucket.get(key), signal);
      if (entry?.operation !== 'PUT') continue;
      const { revision } = entry;
      const nodeId = key as NodeId;
      try {
        const assignment = decodeMessage(assignmentSchema, entry.value, `assignment ${key}`);
        stored.push({ nodeId, assignment, revision });
      } catch (error) {
        log.warn({ nodeId, reason: messageOf(error) }, 'assignment dropped');
        stored.push({ nodeId, assignment: undefined, revision });
      }
    }
    this.lastRevision = await this.lastSequence();
    return stored;
  }

  /** All at once, as they travel together. @returns their revisions, in order. */
  async write(assignments: readonly (readonly [NodeId, Assignment])[]): Promise<readonly number[]> {
    const { bucket } = this;
    if (!bucket || assignments.length === 0) return [];
    this.writing++;
    try {
      const before = this.lastRevision;
      const revisions = await Promise.all(
        assignments.map(([nodeId, assignment]) =>
          retryCall(
            `assign ${nodeId}`,
            () => bucket.put(nodeId, encodeMessage(assignment)),
            this.farm.signal,
          ),
        ),
      );
      const last = Math.max(...revisions);
      // One batch after the other, so that a gap is somebody else's.
      if (last > before + revisions.length) this.hasGap = true;
      this.lastRevision = last;
      return revisions;
    } finally {
      this.writing--;
    }
  }

  /** Writes are on their way: a node may know them already, and we do not. */
  get isWriting(): boolean {
    return this.writing > 0;
  }

  /**
   * Whether somebody else has written to the bucket, or it was put back to an older state: a node that reads it now may wait
   * for work in vain, or work for what it no longer should.
   */
  async isOverwritten(): Promise<boolean> {
    const ours = this.lastRevision;
    const last = await this.lastSequence();
    // A write of ours may be on its way, or have come meanwhile: the next look tells.
    if (this.writing > 0 || ours !== this.lastRevision || (last === ours && !this.hasGap)) return false;
    this.lastRevision = last;
    this.hasGap = false;
    const { assignmentsBucket: bucket } = this.farm.bus.names;
    this.farm.log.warn({ bucket, revision: ours, found: last }, 'assignments were overwritten');
    return true;
  }

  private async lastSequence(): Promise<number> {
    const { bus, signal } = this.farm;
    const stream = `KV_${bus.names.assignmentsBucket}`;
    const info = await retryCall(`look at ${stream}`, () => bus.jsm.streams.info(stream), signal);
    return info.state.last_seq;
  }
}

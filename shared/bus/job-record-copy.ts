/**
 * KV jobs: the copy of a running job's record for those who render it. Deflated, since a message of NATS holds 1 MiB by
 * default, while a manifest of ten thousand files or a list of a hundred thousand frames is more than that as JSON.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { type JobRecord, jobRecordSchema } from '../domain/job.js';
import { FarmError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { decodeMessage, encodeMessage } from './messages.js';

const copies = new WeakMap<JobRecord, Uint8Array>();

/** Records are immutable: each is encoded once. */
export function encodeRecordCopy(record: JobRecord): Uint8Array {
  let copy = copies.get(record);
  if (!copy) {
    copy = deflateRawSync(encodeMessage(record), { level: 1 });
    copies.set(record, copy);
  }
  return copy;
}

/** @throws MESSAGE_INVALID naming the field, the value and what is allowed. */
export function decodeRecordCopy(data: Uint8Array, what: string): JobRecord {
  let json: Uint8Array;
  try {
    json = inflateRawSync(data, { maxOutputLength: LIMITS.jobRecordBytesMax });
  } catch (cause) {
    throw new FarmError('MESSAGE_INVALID', `${what} cannot be inflated`, {}, { cause });
  }
  return decodeMessage(jobRecordSchema, json, what);
}

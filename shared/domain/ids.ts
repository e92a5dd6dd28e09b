/** Ids as branded strings. Their alphabet is legal in a NATS subject token, a file name and a URL. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';

export const ID_PATTERN = /^[A-Za-z0-9_-]{1,128}$/;
const id = (what: string) =>
  z.string().regex(ID_PATTERN, `a ${what} is 1 to 128 characters of A-Z a-z 0-9 _ -`);

export const jobIdSchema = id('job id').brand<'JobId'>();
export const nodeIdSchema = id('node id').brand<'NodeId'>();
export const planIdSchema = id('plan id').brand<'PlanId'>();
export const studioSchema = id('studio').brand<'Studio'>();
export const idempotencyKeySchema = id('idempotency key').brand<'IdempotencyKey'>();
export const digestSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'a digest is 64 lower-case hex digits (SHA-256)')
  .brand<'Digest'>();

export type JobId = z.infer<typeof jobIdSchema>;
export type NodeId = z.infer<typeof nodeIdSchema>;
export type PlanId = z.infer<typeof planIdSchema>;
export type Studio = z.infer<typeof studioSchema>;
export type IdempotencyKey = z.infer<typeof idempotencyKeySchema>;
/** Lower-case hex SHA-256. */
export type Digest = z.infer<typeof digestSchema>;

/** Lower case and digits without look-alikes: ids are read aloud and typed. */
const SUFFIX_ALPHABET = '23456789abcdefghjkmnpqrstuvwxyz';

export function randomSuffix(length: number): string {
  return Array.from(randomBytes(length), (byte) => SUFFIX_ALPHABET[byte % SUFFIX_ALPHABET.length]).join('');
}

/** Anything → id alphabet, at most 40 characters, never empty. */
export function slug(text: string): string {
  return (
    text
      .normalize('NFKD')
      .replace(/[^A-Za-z0-9_-]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 40) || 'x'
  );
}

export const newJobId = (name: string): JobId =>
  jobIdSchema.parse(`${slug(name).toLowerCase()}-${randomSuffix(6)}`);
export const newPlanId = (): PlanId => planIdSchema.parse(randomSuffix(8));
export const newIdempotencyKey = (): IdempotencyKey => idempotencyKeySchema.parse(randomSuffix(20));

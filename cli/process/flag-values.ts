/** Values of flags and arguments that several commands take: checked before anything is asked of a farm. */
import { bytes } from '#shared/config.js';
import { DURATION_PATTERN, formatDurationMs, parseDurationMs } from '#shared/domain/duration.js';
import { schedulingNameSchema } from '#shared/domain/schedule.js';
import { FarmError } from '#shared/errors.js';

/** What cannot be: one line with the flag, its value and the way out. */
export function wrongValue(flag: string, value: unknown, allowed: string): FarmError {
  return new FarmError('USAGE_INVALID', `${flag} "${String(value).slice(0, 80)}": ${allowed}`, { flag });
}

/** @returns undefined when it was not given. @throws USAGE_INVALID */
export function parseWhole(value: unknown, flag: string, min: number, max: number): number | undefined {
  if (value === undefined) return undefined;
  const count = Number(value);
  if (/^\d{1,15}$/.test(String(value)) && count >= min && count <= max) return count;
  throw wrongValue(flag, value, `it must be a whole number from ${min} to ${max}`);
}

/** @returns undefined when it was not given. @throws USAGE_INVALID */
export function parseDecimal(value: unknown, flag: string, min: number, max: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (/^\d{1,9}(\.\d{1,6})?$/.test(String(value)) && number >= min && number <= max) return number;
  throw wrongValue(flag, value, `it must be a number from ${min} to ${max}`);
}

/** @returns ms, or undefined when it was not given. @throws USAGE_INVALID */
export function parseDuration(
  value: unknown,
  flag: string,
  minMs: number,
  maxMs: number,
): number | undefined {
  if (value === undefined) return undefined;
  const text = String(value);
  const timeMs = DURATION_PATTERN.test(text) ? parseDurationMs(text) : Number.NaN;
  if (timeMs >= minMs && timeMs <= maxMs) return timeMs;
  const range = `${formatDurationMs(minMs)} to ${formatDurationMs(maxMs)}`;
  throw wrongValue(flag, value, `it must be a time with its unit from ${range}, such as 90s, 10m or 2h`);
}

/** `8G` → bytes. A schema, for flags that are checked together; its message says what is allowed. */
export function bytesSchema(max: number) {
  return bytes({ flag: '', env: '', doc: '', default: 0, min: 0, max });
}

/** The name of a pool, tag or licence. @throws USAGE_INVALID */
export function parseSchedulingName(text: string, what: string): string {
  const parsed = schedulingNameSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw wrongValue(what, text, parsed.error.issues[0]!.message);
}

/** For flags that may be given several times, or once with commas: `--tag gpu --tag big`, `--tag gpu,big`. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), ...value.split(',').map((item) => item.trim())];
}

/** @throws USAGE_INVALID when a change would change nothing. */
export function needAny(values: Readonly<Record<string, unknown>>, flags: readonly string[]): void {
  if (Object.values(values).some((value) => value !== undefined)) return;
  throw new FarmError('USAGE_INVALID', `nothing to set; give at least one of ${flags.join(', ')}`);
}

/** Without the keys that were not given, as the wire wants it: what is absent stays as it is. */
export function given<T extends Readonly<Record<string, unknown>>>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

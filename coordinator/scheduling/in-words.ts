/** Numbers and lists as explanations say them. */
const KIB = 1024;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const SHOWN_MAX = 4;

/** `512 B`, `1.5 GiB`, `8 GiB` */
export function bytes(count: number, digits = 1): string {
  let value = count;
  let unit = 0;
  while (value >= KIB && unit < UNITS.length - 1) {
    value /= KIB;
    unit += 1;
  }
  return `${Number(value.toFixed(digits))} ${UNITS[unit]}`;
}

/** Both with so many digits that one sees them differ: "4 GiB of 4 GiB" would explain nothing. */
export function bytesApart(one: number, other: number): readonly [string, string] {
  for (const digits of [1, 2, 4])
    if (bytes(one, digits) !== bytes(other, digits)) return [bytes(one, digits), bytes(other, digits)];
  return [`${one} B`, `${other} B`];
}

/** `1 slot`, `3 slots` */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** `a, b, c, d and 3 more` */
export function list(names: readonly string[]): string {
  const rest = names.length - SHOWN_MAX;
  return `${names.slice(0, SHOWN_MAX).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** `2026-11-25 08:00:00 UTC`: of a farm whose people may sit in several time zones. */
export function instant(atMs: number): string {
  const text = new Date(atMs).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;
}

/** To three digits, and no more than the number itself: `0.333`, `12`, `3`. */
export function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

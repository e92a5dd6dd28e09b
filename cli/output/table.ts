/** Rows → aligned columns, three spaces apart, as kubectl prints them. */
import { oneLine } from '../process/exit-code.js';

/** @returns lines that end with a newline; the header alone when there are no rows. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows].map((row) => row.map((cell) => oneLine(cell)));
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** The one way in which commands print JSON: one line, without the wire library's bookkeeping (`_frame`). */
export function printJson(value: unknown): void {
  const text = JSON.stringify(value, (key, item: unknown) => (key.startsWith('_') ? undefined : item));
  process.stdout.write(`${text}\n`);
}

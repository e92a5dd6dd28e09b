/** `benchmarks/results/<name>.csv`: one row per measurement, appended, never rewritten; README's claims name their row. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Figures } from './benchmark.js';
import type { Machine } from './machine.js';
import { ROOT } from './root.js';

/** @returns the file. @throws when the benchmark's columns have changed: old rows keep their meaning under their name. */
export function appendHistory(name: string, machine: Machine, rows: readonly Figures[]): string {
  const folder = join(ROOT, 'benchmarks', 'results');
  const file = join(folder, `${name}.csv`);
  mkdirSync(folder, { recursive: true });
  const records = rows.map((row): Figures => ({ ...machine, ...row }));
  const header = Object.keys(records[0]!).join(',');
  if (!existsSync(file)) writeFileSync(file, `${header}\n`);
  const known = readFileSync(file, 'utf8').split('\n', 1)[0];
  if (known !== header)
    throw new Error(`${file} has the columns ${known}, not ${header}; rename the old file`);
  for (const record of records) appendFileSync(file, `${Object.values(record).map(cell).join(',')}\n`);
  return file;
}

function cell(value: number | string): string {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What a job or a node waits for, as lines: the strongest reason first, its kind in front. */
import type { Wait__Output } from '#shared/wire/generated/guian/v1/Wait.js';
import { oneLine } from '../process/exit-code.js';

/** `licence   all 2 tokens of nuke are in use: …`; kinds stand below one another. @returns without line ends. */
export function waitLines(waits: readonly Wait__Output[]): string[] {
  const kinds = waits.map(({ kind }) => oneLine(kind.replaceAll('_', ' ')));
  const width = Math.max(0, ...kinds.map((kind) => kind.length));
  return waits.map(({ message }, index) => `${kinds[index]!.padEnd(width)}   ${oneLine(message)}`);
}

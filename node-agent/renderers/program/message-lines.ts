/** Bytes in any pieces → JSON values, one per line. A line's length is bounded, and each byte is looked at once. */

const NEWLINE = 0x0a;

/**
 * @param lineBytesMax longest line, without its end.
 * @returns a function that takes the next piece and gives the values of the lines that ended in it.
 *          It throws an Error with a one-line message when a line is too long or no JSON; nothing may follow then.
 */
export function messageLines(lineBytesMax: number): (piece: Buffer) => unknown[] {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  const add = (part: Buffer) => {
    begun.push(part);
    begunBytes += part.length;
    if (begunBytes > lineBytesMax) throw new Error(`a message has no end after ${lineBytesMax} bytes`);
  };
  return (piece) => {
    const values: unknown[] = [];
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      add(piece.subarray(from, end));
      from = end + 1;
      const line = Buffer.concat(begun).toString('utf8');
      begun = [];
      begunBytes = 0;
      if (line.trim() !== '') values.push(parsed(line));
    }
    if (from < piece.length) add(piece.subarray(from));
    return values;
  };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error(`a message is no JSON: ${JSON.stringify(line.slice(0, 80))}`);
  }
}

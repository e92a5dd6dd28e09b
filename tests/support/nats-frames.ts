/**
 * Cuts a NATS connection's bytes into protocol messages, so that a proxy between a client and its server can tell what
 * passes. Source: the NATS client protocol (docs.nats.io, "Client Protocol").
 */

export interface NatsFrame {
  /** `PUB`, `HPUB`, `MSG`, `HMSG`, `PING`, `INFO`, … */
  readonly op: string;
  /** Empty where the operation has none. */
  readonly subject: string;
  readonly reply: string;
  /** As on the wire, the status line included; empty without headers. */
  readonly headers: string;
  readonly payload: Buffer;
  /** All of it, as it came. */
  readonly bytes: Buffer;
}

const CRLF = Buffer.from('\r\n');
const EMPTY = Buffer.alloc(0);
/** How many of a line's last words are sizes; operations that are not here have no body. */
const SIZES: Readonly<Record<string, number>> = { PUB: 1, MSG: 1, HPUB: 2, HMSG: 2 };

/** For one direction of one connection. */
export class NatsFrames {
  #rest: Buffer = EMPTY;

  /** @returns the messages that are complete now; the rest waits for more. */
  push(chunk: Buffer): NatsFrame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: NatsFrame[] = [];
    for (let frame = readFrame(this.#rest); frame; frame = readFrame(this.#rest)) {
      frames.push(frame);
      this.#rest = this.#rest.subarray(frame.bytes.length);
    }
    return frames;
  }
}

function readFrame(bytes: Buffer): NatsFrame | undefined {
  const lineEnd = bytes.indexOf(CRLF);
  if (lineEnd < 0) return undefined;
  const bodyStart = lineEnd + CRLF.length;
  const words = bytes.toString('utf8', 0, lineEnd).split(/\s+/);
  const op = words[0]!.toUpperCase();
  const sizeCount = SIZES[op];
  const bare = { op, subject: '', reply: '', headers: '', payload: EMPTY };
  if (sizeCount === undefined) return { ...bare, bytes: bytes.subarray(0, bodyStart) };
  const sizes = words.slice(-sizeCount).map(Number);
  const end = bodyStart + sizes.at(-1)! + CRLF.length;
  if (bytes.length < end) return undefined;
  const headerBytes = sizeCount === 2 ? sizes[0]! : 0;
  const isDelivery = op.endsWith('MSG');
  // Deliveries name their subscription between subject and reply.
  const [subject = '', reply = ''] = words
    .slice(1, -sizeCount)
    .filter((_, index) => !isDelivery || index !== 1);
  return {
    ...bare,
    subject,
    reply,
    headers: bytes.toString('utf8', bodyStart, bodyStart + headerBytes),
    payload: bytes.subarray(bodyStart + headerBytes, end - CRLF.length),
    bytes: bytes.subarray(0, end),
  };
}

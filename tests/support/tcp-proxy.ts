/**
 * A TCP link that a test can break: connections are cut or refused, bytes held back or late, in both directions or one.
 * TCP itself loses nothing, so that a direction that "loses" bytes holds them until the link is cut, as a real one does.
 */
import { createServer, connect as openSocket, type Server, type Socket } from 'node:net';
import { freePort } from '#cli/farm/free-port.js';

/** `up`: from the client to the target. */
export type Direction = 'up' | 'down';

/** What becomes of a chunk on its way: what is returned goes on, nothing is swallowed. */
export type ChunkFilter = (chunk: Buffer) => Buffer | undefined;
/** One pair per connection, since filters may have state. */
export type LinkFilter = () => { readonly up?: ChunkFilter; readonly down?: ChunkFilter };

export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** RST to both ends of every connection that is open now; what was on its way is lost. @returns how many. */
  cut(): number;
  /** New connections are refused by the system, as if nobody listened; open ones stay. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  /** Connections stay open and nothing passes: a half-open link. */
  stall(direction?: Direction): void;
  /** What was held back passes, in order. */
  flow(): void;
  /** From now on each chunk is this late; 0: as fast as it can. Chunks keep their order. */
  delay(upMs: number, downMs: number): void;
  readonly counts: {
    readonly accepted: number;
    readonly open: number;
    readonly cut: number;
    readonly bytesUp: number;
    readonly bytesDown: number;
  };
}

/** Held back per direction of a connection before its sender is made to wait, as a socket buffer would. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

interface Conditions {
  isStalled: boolean;
  delayMs: number;
  bytes: number;
}

/** Listens on a free loopback port. A target that does not answer ends the client's connection. */
export async function startTcpProxy(targetPort: number, filter: LinkFilter = () => ({})): Promise<TcpProxy> {
  const up: Conditions = { isStalled: false, delayMs: 0, bytes: 0 };
  const down: Conditions = { isStalled: false, delayMs: 0, bytes: 0 };
  const links = new Set<Link>();
  let [accepted, cut] = [0, 0];
  const onClient = (client: Socket): void => {
    accepted++;
    const link = new Link(client, openSocket(targetPort, '127.0.0.1'), { up, down }, filter());
    links.add(link);
    void link.closed.then(() => links.delete(link));
  };
  const port = await freePort();
  let server: Server | undefined = await listen(port, onClient);
  const proxy: TcpProxy = {
    port,
    cut() {
      const count = links.size;
      for (const link of links) link.reset();
      cut += count;
      return count;
    },
    async refuse() {
      // Its callback would wait for open connections; the port itself is free at once.
      server?.close();
      server = undefined;
    },
    async accept() {
      server ??= await listen(port, onClient);
    },
    stall(direction) {
      if (direction !== 'down') up.isStalled = true;
      if (direction !== 'up') down.isStalled = true;
    },
    flow() {
      for (const conditions of [up, down]) conditions.isStalled = false;
      for (const link of links) link.pump();
    },
    delay(upMs, downMs) {
      up.delayMs = upMs;
      down.delayMs = downMs;
    },
    get counts() {
      return { accepted, open: links.size, cut, bytesUp: up.bytes, bytesDown: down.bytes };
    },
    async [Symbol.asyncDispose]() {
      await proxy.refuse();
      proxy.cut();
      await Promise.all([...links].map((link) => link.closed));
    },
  };
  return proxy;
}

function listen(port: number, onClient: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onClient);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

/** A client's connection and the one to the target. */
class Link {
  readonly closed: Promise<void>;
  readonly #sockets: readonly [Socket, Socket];
  readonly #ways: readonly [OneWay, OneWay];
  readonly #end: () => void;

  constructor(
    client: Socket,
    target: Socket,
    { up, down }: Record<Direction, Conditions>,
    filters: ReturnType<LinkFilter>,
  ) {
    target.setNoDelay(true);
    target.allowHalfOpen = true;
    this.#sockets = [client, target];
    this.#ways = [new OneWay(client, target, up, filters.up), new OneWay(target, client, down, filters.down)];
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      // A reset at one end is a reset at the other; so is a target that refuses.
      socket.on('error', () => other.destroy());
    }
    let resolve = (): void => undefined;
    this.closed = new Promise((done) => {
      resolve = done;
    });
    this.#end = () => {
      for (const way of this.#ways) way.stop();
      resolve();
    };
    const isOver = () => this.#sockets.every((socket) => socket.closed);
    for (const socket of this.#sockets) socket.once('close', () => isOver() && this.#end());
  }

  pump(): void {
    for (const way of this.#ways) way.pump();
  }

  reset(): void {
    for (const socket of this.#sockets) {
      // By itself it waits until all is written, which may be never.
      socket.resetAndDestroy();
      socket.destroy();
    }
    // A socket that its peer has just reset fails to be reset, and then never says that it is closed (Node 20).
    this.#end();
  }
}

/** One direction of a link. */
class OneWay {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #conditions: Conditions;
  /** Waiting to go on; the last one may be the end. */
  readonly #held: { readonly chunk: Buffer | 'end'; readonly dueAtMs: number }[] = [];
  #heldBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, conditions: Conditions, filter: ChunkFilter | undefined) {
    this.#from = from;
    this.#to = to;
    this.#conditions = conditions;
    from.on('data', (received) => {
      const chunk = filter ? filter(received) : received;
      if (chunk && chunk.length > 0) this.#hold(chunk);
    });
    from.once('end', () => this.#hold('end'));
    to.on('drain', () => this.pump());
  }

  /** Passes on what may go now. */
  pump(): void {
    const conditions = this.#conditions;
    const nowMs = performance.now();
    for (let next = this.#held[0]; next; next = this.#held[0]) {
      if (conditions.isStalled || this.#to.writableNeedDrain) return;
      if (next.dueAtMs > nowMs) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.pump();
        }, next.dueAtMs - nowMs);
        return;
      }
      this.#held.shift();
      if (next.chunk === 'end') {
        this.#to.end();
        return;
      }
      this.#heldBytes -= next.chunk.length;
      conditions.bytes += next.chunk.length;
      this.#to.write(next.chunk);
      if (this.#from.isPaused() && this.#heldBytes < HELD_BYTES_MAX) this.#from.resume();
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
  }

  #hold(chunk: Buffer | 'end'): void {
    const lastDueAtMs = this.#held.at(-1)?.dueAtMs ?? 0;
    // A delay that is made shorter must not let later chunks overtake.
    const dueAtMs = Math.max(lastDueAtMs, performance.now() + this.#conditions.delayMs);
    this.#held.push({ chunk, dueAtMs });
    if (chunk !== 'end') this.#heldBytes += chunk.length;
    if (this.#heldBytes >= HELD_BYTES_MAX) this.#from.pause();
    this.pump();
  }
}

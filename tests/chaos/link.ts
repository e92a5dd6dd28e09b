/** A connection to nats-server that faults can break: several at once, each for its own time. */
import { startTcpProxy, type TcpProxy } from '#tests/support/tcp-proxy.js';

export interface Link extends AsyncDisposable {
  readonly url: string;
  /** Resets what is open, and refuses whoever comes for so long. Resolves when the link takes connections again. */
  cut(forMs: number): Promise<void>;
  /** Nothing passes for so long. Resolves when bytes pass again. */
  stall(forMs: number): Promise<void>;
}

export async function startLink(targetPort: number): Promise<Link> {
  const proxy: TcpProxy = await startTcpProxy(targetPort);
  let [cuts, stalls] = [0, 0];
  return {
    url: `nats://127.0.0.1:${proxy.port}`,
    async cut(forMs) {
      if (cuts++ === 0) await proxy.refuse();
      proxy.cut();
      await after(forMs);
      if (--cuts === 0) await proxy.accept();
    },
    async stall(forMs) {
      stalls++;
      proxy.stall();
      await after(forMs);
      if (--stalls === 0) proxy.flow();
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

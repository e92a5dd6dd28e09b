/** The farm's nats-server, started again on the same port and store when it dies by itself. */
import type { FarmError } from '#shared/errors.js';
import { withFreePort } from './free-port.js';
import { type RunningNatsServer, startNatsServer } from './start-nats-server.js';

export interface NatsPartOptions {
  readonly storeDir: string;
  readonly logFile: string;
  readonly onNotice: (line: string) => void;
  readonly onFailure: (error: FarmError) => void;
}

const RESTARTS_MAX = 5;
/** What it needs may be taken for a moment; the first restart is at once, for everybody waits for it. */
const RESTART_DELAY_MS = 500;

export class NatsPart {
  readonly name = 'nats-server';
  readonly #options: NatsPartOptions;
  #server: RunningNatsServer | undefined;
  #isStopping = false;
  #restarts = 0;

  constructor(options: NatsPartOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#server?.pid;
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  /** @throws TOOL_MISSING, BUS_UNAVAILABLE */
  async start(): Promise<void> {
    await withFreePort((port) => this.#startOn(port));
  }

  async #startOn(port: number): Promise<void> {
    const { storeDir, logFile } = this.#options;
    const server = await startNatsServer({ storeDir, logFile, port });
    this.#server = server;
    if (this.#isStopping) server.kill();
    void server.exited.then(({ code, signal }) => {
      if (!this.#isStopping) this.#startAgain(server.port, signal ?? `exit code ${code}`);
    });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#server?.stop();
  }

  kill(): void {
    this.#isStopping = true;
    this.#server?.kill();
  }

  /** For fault tests: SIGKILL as an accident would; resolves when it is gone. It then comes back by itself. */
  async crash(): Promise<void> {
    this.#server?.kill();
    await this.#server?.exited;
  }

  #startAgain(port: number, how: string): void {
    this.#restarts += 1;
    if (this.#restarts <= RESTARTS_MAX) {
      this.#options.onNotice(
        `nats-server died (${how}); starting it again (${this.#restarts} of ${RESTARTS_MAX})`,
      );
    }
    setTimeout(
      () => {
        if (this.#isStopping) return;
        this.#startOn(port).catch((error: FarmError) => {
          if (this.#isStopping) return;
          if (this.#restarts < RESTARTS_MAX) this.#startAgain(port, error.message);
          else this.#options.onFailure(error);
        });
      },
      (this.#restarts - 1) * RESTART_DELAY_MS,
    );
  }
}

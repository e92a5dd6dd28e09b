/** An agent's process and its connection: killed, suspended, cut off. What it does then waits, or is lost. */
import type { FarmWorld } from './farm-world.js';

export class AgentProcess {
  readonly instanceId: string;
  isAlive = true;
  protected readonly world: FarmWorld;
  /** What it would do if it were not suspended. */
  private parked: (() => void)[] | undefined;
  /** What it would send if it were not cut off. */
  private unsent: (() => void)[] | undefined;

  constructor(world: FarmWorld, instanceId: string) {
    this.world = world;
    this.instanceId = instanceId;
  }

  protected get isCut(): boolean {
    return this.unsent !== undefined;
  }

  /** The end of the process: nothing more is said. */
  kill(): void {
    this.isAlive = false;
    this.world.queue.endPullsOf(this.instanceId);
  }

  freeze(): void {
    this.parked ??= [];
  }

  thaw(): void {
    const parked = this.parked ?? [];
    this.parked = undefined;
    for (const run of parked) if (this.isAlive) run();
  }

  cut(): void {
    this.unsent ??= [];
    // The server has forgotten its pulls when it is back.
    this.world.queue.endPullsOf(this.instanceId);
  }

  reconnect(): void {
    const unsent = this.unsent ?? [];
    this.unsent = undefined;
    for (const send of unsent) this.world.time.after(this.world.latencyMs(), send);
  }

  /** An answer to a delivery, which a lost connection may lose. */
  protected tell(answer: () => void): void {
    if (this.unsent && this.world.random.chance(0.5)) return;
    this.send(answer);
  }

  protected send(message: () => void): void {
    const { world } = this;
    if (this.unsent) this.unsent.push(message);
    else world.time.after(world.latencyMs(), message);
  }

  /** What is sent to it: lost when it is cut off or dead by then. */
  protected receive(handle: () => void): void {
    const { world } = this;
    world.time.after(world.latencyMs(), () => {
      if (!this.unsent) this.do(handle);
    });
  }

  protected later(delayMs: number, run: () => void): void {
    this.world.time.after(delayMs, () => this.do(run));
  }

  /** @returns whether it is alive. */
  protected do(run: () => void): boolean {
    if (!this.isAlive) return false;
    if (this.parked) this.parked.push(run);
    else run();
    return true;
  }
}

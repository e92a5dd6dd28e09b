/** Things to be closed in reverse order of their opening (Node 20 has no AsyncDisposableStack). */
export class CloseStack implements AsyncDisposable {
  private readonly closers: (() => unknown)[] = [];

  /** Remembers a resource and returns it. */
  use<T extends AsyncDisposable>(resource: T): T {
    this.closers.push(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  /** Remembers what is to be done on closing. */
  defer(close: () => unknown): void {
    this.closers.push(close);
  }

  /** Closes everything, whatever fails on the way; then throws the first failure. A second call does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.closers.pop(); close; close = this.closers.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

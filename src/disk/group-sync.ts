// One fsync of a folder for all who wait: whoever asks while one runs shares the next one, which begins after they
// asked and so covers what they did. When one fails, those who wait for the next fail with it: the kernel reports a
// lost write once, and their entries may be what it lost.

export class GroupSync {
  readonly #sync: (path: string) => Promise<void>;
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  constructor(sync: (path: string) => Promise<void>) {
    this.#sync = sync;
  }

  run(path: string): Promise<void> {
    const running = this.#running.get(path);
    if (running === undefined) return this.#start(path);
    const waiting = this.#next.get(path);
    if (waiting !== undefined) return waiting;
    const next = running.then(
      () => this.#startNext(path),
      (error: unknown) => {
        this.#next.delete(path);
        throw error;
      },
    );
    this.#next.set(path, next);
    return next;
  }

  #startNext(path: string): Promise<void> {
    this.#next.delete(path);
    return this.#start(path);
  }

  #start(path: string): Promise<void> {
    const sync = this.#sync(path).finally(() => {
      if (this.#running.get(path) === sync) this.#running.delete(path);
    });
    this.#running.set(path, sync);
    return sync;
  }
}

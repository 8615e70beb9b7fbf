// What was opened is closed in reverse order, once, each piece even when another fails.

export class CloseStack {
  readonly #closers: (() => Promise<void> | void)[] = [];
  #closing: Promise<void> | undefined;

  /** Adds what is to be closed before everything that was added earlier. */
  add(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  /** @throws the first error, after everything was tried. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (const close of this.#closers.splice(0).toReversed()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}

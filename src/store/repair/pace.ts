// How fast repair may go: asked before each piece of work, resolves when it may be done.

export type Pace = (bytes: number) => Promise<void>;

/** As fast as it goes. */
export const AT_ONCE: Pace = () => Promise.resolve();

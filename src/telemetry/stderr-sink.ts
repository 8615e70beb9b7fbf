// Where log lines go: standard error, gathered for a moment, so that a busy server does not make a system call for each.
// Never synced: a log on a disk must not make requests wait for that disk.

const BUFFER_LENGTH = 8_192;
const GATHER_MS = 100;

export interface LogSink {
  write(line: string): void;
  /** Writes out what is gathered. */
  flush(): void;
}

export function openStderrSink(): LogSink {
  let gathered = "";
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (gathered === "") return;
    const text = gathered;
    gathered = "";
    process.stderr.write(text);
  };
  return {
    write(line) {
      gathered += line;
      if (gathered.length >= BUFFER_LENGTH) flush();
      // While nothing is logged nothing wakes up.
      else timer ??= setTimeout(flush, GATHER_MS).unref();
    },
    flush,
  };
}

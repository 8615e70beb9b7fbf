// What a person got wrong in flags, environment or file: told in words, exit code 2, no stack.

export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

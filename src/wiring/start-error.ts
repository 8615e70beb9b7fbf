// Why a role cannot start, in words for whoever started it: printed without a stack, exit code 1.

export class StartError extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "StartError";
  }
}

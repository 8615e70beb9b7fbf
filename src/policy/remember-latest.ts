// Reading a request's values once for all conditions of a policy: each of them asks about the same few texts.

/** `parse`, except that the text which it was given last is not parsed again. */
export function rememberLatest<T>(parse: (text: string) => T): (text: string) => T {
  let latest: { readonly text: string; readonly value: T } | undefined;
  return (text) => {
    if (latest?.text !== text) latest = { text, value: parse(text) };
    return latest.value;
  };
}

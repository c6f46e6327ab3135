/** Parses JSON as the type that the caller names, without checking it: the test checks what it uses. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the receiver names the type, as with JSON.parse and `as`
export function parseJson<T>(text: string): T {
  const value: T = JSON.parse(text);
  return value;
}

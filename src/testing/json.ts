/** The value of a JSON text, taken to be of the type that the receiver states: what follows in a test checks it. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the receiver names the type, as with JSON.parse and `as`
export function parseJson<T>(text: string): T {
  const value: T = JSON.parse(text);
  return value;
}

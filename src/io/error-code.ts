/**
 * Returns the `code` of an error that Node throws, such as ENOENT; empty if the error has none. Does not use instanceof
 * Error, which is false under jest.
 */
export function errorCode(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

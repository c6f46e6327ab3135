/** The `code` of an error of Node's, as ENOENT; empty when it has none. Under jest such errors are not instanceof Error. */
export function errorCode(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

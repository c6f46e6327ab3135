// Shared parts of exports to a server: the target, and error messages without the password of the URL.

import { UsageError } from "../../errors.js";
import { variableOf } from "../../io/environment.js";
import type { Selection } from "../selection.js";

/** A server, and the name of the data on it. */
export interface ServerTarget {
  /** the value of --format, for messages */
  format: string;
  /** the URL, which messages must not contain */
  url: string;
  /** the environment variable with the URL; messages refer to the server by it */
  variable: string;
  /** prefix of keys, or a table */
  into: string;
  /**
   * 16 hexadecimal digits of a hash of everything that determines the data: the server stores it, so that unchanged
   * data is not written again
   */
  fingerprint: string;
  /** true: unchanged data is written again */
  force: boolean;
  signal: AbortSignal;
  /** most milliseconds without an answer of the server */
  patience?: number;
}

/** The result of an export to a server. */
export interface Sent {
  /** true: the server had the data already */
  isUnchanged: boolean;
  /** a sentence for the user */
  note: string;
}

/** Writes rows to a server, completely or not at all. */
export type Send = (selection: Selection, target: ServerTarget) => Promise<Sent>;

const POSTGRES_URL = {
  form: /^postgres(ql)?:\/\//i,
  expected:
    "a PostgreSQL URL: expected postgres://USER:PASSWORD@HOST:PORT/DATABASE (the form host=... dbname=... is " +
    "not supported)",
};
const URLS = new Map<string, { form: RegExp; expected: string }>(
  Object.entries({
    redis: {
      form: /^rediss?:\/\//i,
      expected: "a Redis URL: expected redis://USER:PASSWORD@HOST:PORT/DB or rediss://...",
    },
    pgvector: POSTGRES_URL,
    postgres: POSTGRES_URL,
  }),
);

/**
 * Returns the URL of a server, without connecting.
 *
 * @param format the value of --format
 * @throws {UsageError} the variable is not set, or is not a URL of such a server
 */
export function serverUrl(format: string, variable: string): string {
  const url = variableOf(variable);
  if (!URLS.get(format)!.form.test(url)) throw notUrl(format, variable);
  return url;
}

/** The error for a variable that is not the URL of a server; its value is not quoted, because it may contain a password. */
export function notUrl(format: string, variable: string): UsageError {
  return new UsageError(`${variable} is not ${URLS.get(format)!.expected}`);
}

/** One minute: longer than a server needs to save its memory or flush its log. */
export const PATIENCE = 60_000;

/** Returns the message of an error without the secret parts of the URL. */
export function saidBy(error: unknown, { url }: Pick<ServerTarget, "url">): string {
  const { message = "", code } = error as { message?: string; code?: unknown };
  // if several addresses refuse, Node's error has a code and no message
  let text = message === "" ? String(code ?? error) : message;
  for (const secret of secretsOf(url)) text = text.replaceAll(secret, "***");
  return text;
}

/** Returns the URL itself and its passwords, as written and decoded. */
function secretsOf(url: string): string[] {
  const passwords = [/^[^:]*:\/\/[^:/?#]*:(.*)@/.exec(url)?.[1], /[?&]password=([^&#]*)/.exec(url)?.[1]];
  const plain = passwords.filter((password) => password !== undefined && password !== "") as string[];
  return [url, ...plain, ...plain.map(decoded)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

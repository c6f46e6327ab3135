// What all that is sent straight into a server shares: where it is, and how its errors are reported without the password of its URL.

import { UsageError } from "../../errors.js";
import { variableOf } from "../../io/environment.js";
import type { Selection } from "../selection.js";

/** A server, and the name that what is sent gets there. */
export interface Target {
  /** as --format names it, for messages */
  format: string;
  /** the URL, which no message may hold */
  url: string;
  /** the environment variable that holds it, by which messages name the server */
  variable: string;
  /** prefix of keys, or a table */
  into: string;
  /** 16 hexadecimal digits of all that decides what is sent: the server keeps it, so that the same is not written again */
  fingerprint: string;
  /** true: it is written again */
  force: boolean;
  signal: AbortSignal;
  /** how long the server may be silent while it is waited for, in milliseconds */
  patience?: number;
}

/** What became of what was sent. */
export interface Sent {
  /** true: the server had it already */
  isUnchanged: boolean;
  /** a sentence for a person */
  note: string;
}

/** Writes rows to a server, whole or not at all. */
export type Send = (selection: Selection, target: Target) => Promise<Sent>;

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
 * The URL of a server, without a look at the server.
 *
 * @param format as --format names it
 * @throws {UsageError} the variable is not set, or holds no URL of such a server
 */
export function serverUrl(format: string, variable: string): string {
  const url = variableOf(variable);
  if (!URLS.get(format)!.form.test(url)) throw notUrl(format, variable);
  return url;
}

/** That a variable holds no URL of a server, which may hold a password: it is not repeated. */
export function notUrl(format: string, variable: string): UsageError {
  return new UsageError(`${variable} is not ${URLS.get(format)!.expected}`);
}

/** A minute: longer than a server saves its memory or flushes its log. */
export const PATIENCE = 60_000;

/** What an error says, without anything of the URL that is secret. */
export function saidBy(error: unknown, { url }: Pick<Target, "url">): string {
  const { message = "", code } = error as { message?: string; code?: unknown };
  // of several addresses that refuse, Node's error has a code and no message
  let text = message === "" ? String(code ?? error) : message;
  for (const secret of secretsOf(url)) text = text.replaceAll(secret, "***");
  return text;
}

/** The URL itself and its passwords, as they stand there and decoded. */
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

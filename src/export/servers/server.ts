// Types and error messages that all exports to servers share; the messages do not contain the password of the URL.

import { UsageError } from "../../base/errors.js";
import { variableOf } from "../../base/io/environment.js";
import type { Selection } from "../selection.js";

export interface ServerTarget {
  format: string;
  /** URL of the server, which messages must not contain */
  url: string;
  variable: string;
  /** prefix of the keys in Redis, or name of the table in PostgreSQL */
  into: string;
  /** 16 hexadecimal digits of a hash of the data, which is not written again if the server has this hash */
  fingerprint: string;
  /** true: data is written again even if it is unchanged */
  force: boolean;
  signal: AbortSignal;
  /** maximum number of milliseconds that the server may take to reply */
  patience?: number;
}

export interface Sent {
  isUnchanged: boolean;
  note: string;
}

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

/** Does not connect. @throws {UsageError} the variable is not set, or is not a URL of such a server */
export function serverUrl(format: string, variable: string): string {
  const url = variableOf(variable);
  if (!URLS.get(format)!.form.test(url)) throw notUrl(format, variable);
  return url;
}

/** The message does not quote the value, because it may contain a password. */
export function notUrl(format: string, variable: string): UsageError {
  return new UsageError(`${variable} is not ${URLS.get(format)!.expected}`);
}

/** One minute in milliseconds, more than a server needs to save its memory or flush its log. */
export const PATIENCE = 60_000;

/** The message without the secret parts of the URL. */
export function saidBy(error: unknown, { url }: Pick<ServerTarget, "url">): string {
  const { message = "", code } = error as { message?: string; code?: unknown };
  // if several addresses refuse the connection, Node's error has a code but no message
  let text = message === "" ? String(code ?? error) : message;
  for (const secret of secretsOf(url)) text = text.replaceAll(secret, "***");
  return text;
}

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

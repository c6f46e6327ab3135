// Parses the address of a Spark Connect server (--engine): sc://HOST:PORT/;use_ssl=true;user_id=NAME;x-header=value
//
// Source: the connection string of Spark's documentation (sql/connect/docs/client-connection-string.md).

import { UsageError } from "../../base/errors.js";

/** Name of the environment variable with the token, which Spark's server and clients use as well. */
export const TOKEN_VARIABLE = "SPARK_CONNECT_AUTHENTICATE_TOKEN";

const DEFAULT_PORT = 15002;
const PARAMETERS = ["use_ssl", "user_id"];

export interface Address {
  /** `host:port`, in gRPC's syntax */
  target: string;
  /** `sc://host:port`, for messages and manifests; without the parameters, which may be secret */
  shown: string;
  /** true if the server is on this machine, so a token may be sent without TLS */
  isLoopback: boolean;
  useTls: boolean;
  userId: string | undefined;
  /** headers that are sent with each call: the parameters whose names start with x- */
  headers: Readonly<Record<string, string>>;
}

/** @throws {UsageError} the address is invalid, of another protocol of Spark, or has an unknown parameter or a token */
export function parseAddress(text: string): Address {
  const expected =
    "--engine expects sc://HOST:PORT, such as sc://localhost:15002 or sc://spark:443/;use_ssl=true";
  if (/^duckdb:/i.test(text))
    throw new UsageError(
      "--engine-train trains on a Spark Connect server (sc://HOST:PORT), and DuckDB trains nothing: omit --engine-train",
    );
  if (/^spark:\/\//i.test(text))
    throw new UsageError(
      "--engine: spark:// is the address of a cluster's master, which only programs on the JVM can use. Start a " +
        "Connect server there (sbin/start-connect-server.sh --master spark://HOST:7077) and name it as " +
        "sc://HOST:15002",
    );
  if (/^(local|yarn|k8s)\b/i.test(text))
    throw new UsageError(
      `--engine: a master such as ${/^\w+/.exec(text)![0]} is the address of a cluster, not of a server. Start a ` +
        "Connect server with it (sbin/start-connect-server.sh --master ...) and name that as sc://HOST:15002",
    );
  const found = /^sc:\/\/(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(?:\/(?:;(.*))?)?$/s.exec(text);
  // the error message does not quote the address, because it may contain a token
  if (!found) throw new UsageError(expected);
  const [, host = "", port = String(DEFAULT_PORT), parameters = ""] = found;
  if (!(Number(port) >= 1 && Number(port) <= 65_535))
    throw new UsageError(`${expected}: the port must be from 1 to 65535, got ${port}`);
  const given = parametersOf(parameters);
  const headers = Object.fromEntries([...given].filter(([name]) => name.startsWith("x-")));
  const unknown = [...given.keys()].find((name) => !PARAMETERS.includes(name) && !name.startsWith("x-"));
  if (unknown === "token")
    throw new UsageError(
      `--engine: a token in the address can be read in process lists and shell histories: set ${TOKEN_VARIABLE} ` +
        "in the environment instead",
    );
  const secret = Object.keys(headers).find((name) => /token|auth|secret|key|password|credential/.test(name));
  if (secret !== undefined)
    throw new UsageError(
      `--engine: the header '${secret}' looks like a secret, and the address can be read in process lists and is kept ` +
        `in runs: only ${TOKEN_VARIABLE} in the environment is sent as a secret`,
    );
  if (unknown !== undefined)
    throw new UsageError(
      `--engine: unknown parameter '${unknown}': expected ${PARAMETERS.join(", ")} or a header that starts with x-`,
    );
  const tls = given.get("use_ssl") ?? "false";
  if (!/^(true|false)$/i.test(tls))
    throw new UsageError(`--engine: use_ssl must be true or false, got '${tls}'`);
  const target = `${host}:${port}`;
  return {
    target,
    shown: `sc://${target}`,
    isLoopback: /^(localhost|127(\.\d+){3}|\[::1\])$/i.test(host),
    useTls: tls.toLowerCase() === "true",
    userId: given.get("user_id"),
    headers,
  };
}

function parametersOf(text: string): Map<string, string> {
  const given = new Map<string, string>();
  for (const part of text.split(";")) {
    if (part === "") continue;
    const [, name, value] = /^([A-Za-z_][\w-]*)=(.*)$/s.exec(part) ?? [];
    if (name === undefined || value === undefined)
      throw new UsageError("--engine: parameters are name=value, separated by semicolons");
    try {
      given.set(name.toLowerCase(), decodeURIComponent(value));
    } catch {
      throw new UsageError(`--engine: the value of '${name}' is not valid percent-encoding`);
    }
  }
  return given;
}

export function checkToken({ useTls, isLoopback }: Address, token: string | undefined): void {
  if (token === undefined || useTls || isLoopback) return;
  throw new UsageError(
    `--engine: ${TOKEN_VARIABLE} is set, and the token would cross the network unencrypted: add /;use_ssl=true to ` +
      "the address, or unset the variable if the server needs none",
  );
}

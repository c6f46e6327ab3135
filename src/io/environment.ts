// Values that a command takes from environment variables, so that a secret stands in no command line and in no file.

import { env } from "node:process";
import { UsageError } from "../errors.js";

/** A variable's value. @throws {UsageError} it is not set, or empty */
export function variableOf(name: string): string {
  const value = env[name];
  if (value === undefined || value === "")
    throw new UsageError(`the environment variable ${name} is not set: set it to the server's URL`);
  return value;
}

/** A variable's value, where it has one. */
export function environmentVariable(name: string): string | undefined {
  return env[name] || undefined;
}

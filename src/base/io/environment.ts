// Reads environment variables, so that secrets are in no command line and no file.

import { env } from "node:process";
import { UsageError } from "../errors.js";

/** Returns the value of a variable. @throws {UsageError} it is not set, or empty */
export function variableOf(name: string): string {
  const value = env[name];
  if (value === undefined || value === "")
    throw new UsageError(`the environment variable ${name} is not set: set it to the server's URL`);
  return value;
}

/** Returns the value of a variable, or undefined. */
export function environmentVariable(name: string): string | undefined {
  return env[name] || undefined;
}

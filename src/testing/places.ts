// Where the project's own folders are, seen from the built tests.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of package.json. */
export const projectFolder = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The folder of the logs that ship. */
export const fixturesFolder = join(projectFolder, "fixtures");

/** Path of a log that ships, `fixture("clicks.csv")`. */
export function fixture(name: string): string {
  return join(fixturesFolder, name);
}

/** Path of the built program. */
export const program = join(projectFolder, "bin", "embed.js");

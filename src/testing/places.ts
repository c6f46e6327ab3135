// Paths of the project's folders, derived from the location of the built tests.

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of package.json. */
export const projectFolder = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** The folder of the shipped logs. */
export const fixturesFolder = join(projectFolder, "fixtures");

/** Returns the path of a shipped log, `fixture("clicks.csv")`. */
export function fixture(name: string): string {
  return join(fixturesFolder, name);
}

/** Path of the built program. */
export const program = join(projectFolder, "bin", "embed.js");

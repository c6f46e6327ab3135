// Detects an output that is also an input of the command: --force would replace a file that is still to be read.

import { UsageError } from "../errors.js";
import { expandPaths } from "./glob.js";
import { realPathOf } from "./tree.js";

/**
 * Checks that an output is not one of the files that the command reads.
 *
 * @param flag the flag of the output
 * @param inputs paths and patterns; missing ones are reported by their readers
 * @throws {UsageError} the output is one of them, under any name
 */
export async function checkNotAnInput(
  flag: string,
  output: string,
  inputs: readonly string[],
): Promise<void> {
  const target = await realPathOf(output);
  if (target === undefined) return;
  for (const input of inputs.filter((path) => path !== "-")) {
    // a pattern that matches no file is reported later, by the reader of the input
    const paths = await expandPaths([input]).catch(() => [input]);
    for (const path of paths) {
      if ((await realPathOf(path)) !== target) continue;
      throw new UsageError(
        `${flag} '${output}' would overwrite '${path}', which is an input of this command: choose another file`,
      );
    }
  }
}

// An output that is one of the command's own inputs: --force would replace what is still to be read.

import { UsageError } from "../errors.js";
import { expandPaths } from "./glob.js";
import { realPathOf } from "./tree.js";

/**
 * Checks that an output is none of the files that the command reads.
 *
 * @param flag that names the output
 * @param inputs paths and patterns; those that do not exist are left to whoever reads them
 * @throws {UsageError} it is one of them, by whatever name
 */
export async function checkNotAnInput(
  flag: string,
  output: string,
  inputs: readonly string[],
): Promise<void> {
  const target = await realPathOf(output);
  if (target === undefined) return;
  for (const input of inputs.filter((path) => path !== "-")) {
    // a path without a file is reported where it is read
    const paths = await expandPaths([input]).catch(() => [input]);
    for (const path of paths) {
      if ((await realPathOf(path)) !== target) continue;
      throw new UsageError(
        `${flag} '${output}' would overwrite '${path}', which is an input of this command: choose another file`,
      );
    }
  }
}

// Refuses outputs inside a run, a version or a dataset: a file there would be replaced unseen by its checks,
// or be one that the directory does not list. Refuses files that the command reads, which --force would replace.

import { dirname, join, resolve } from "node:path";
import { UsageError } from "../../base/errors.js";
import type { OwnDirectory } from "../../base/io/replaceable.js";
import { kindAt, realPathOf, statOf } from "../../base/io/tree.js";
import { flagNamed, type OptionTable } from "../../options/table.js";

export const outputOptions = ["out", "html", "curve", "badRows", "writeConfig", "metricsFile"];

/** Placeholders of options that name files to read. */
const INPUT = /\b(file|log|page|path)\b/;

const kinds: readonly (readonly [marker: string, load: () => Promise<OwnDirectory>])[] = [
  ["publication.json", async () => (await import("../../table/own-run.js")).ownVersion],
  ["manifest.json", async () => (await import("../../table/own-run.js")).ownRun],
  ["dataset.json", async () => (await import("../../dataset/encoded/write.js")).ownDataset],
];

/**
 * @param words the arguments of the command
 * @throws {UsageError} an output is a file that an argument or option names as input, or is inside a directory that this
 *   program wrote as a whole, also through links
 */
export async function checkOutputPaths(
  given: Readonly<Record<string, unknown>>,
  words: readonly string[],
  table: OptionTable,
): Promise<void> {
  // several arguments of one name are an array
  const inputs = words.flat();
  const declared = new Map(Object.entries(table));
  for (const [name, value] of Object.entries(given))
    if (!outputOptions.includes(name) && INPUT.test(declared.get(name)?.placeholder ?? ""))
      inputs.push(...[value].flat().filter((one) => typeof one === "string"));
  for (const [name, path] of Object.entries(given)) {
    if (!outputOptions.includes(name) || typeof path !== "string" || path === "-") continue;
    if ((await statOf(path))?.isFile) {
      const { checkNotAnInput } = await import("../../base/io/not-an-input.js");
      await checkNotAnInput(flagNamed(name), path, inputs);
    }
    let folder = await realPathOf(dirname(resolve(path)));
    for (; folder !== undefined && folder !== dirname(folder); folder = dirname(folder))
      for (const [marker, load] of kinds) {
        if ((await kindAt(join(folder, marker))) !== "file") continue;
        const own = await load();
        if (await own.filesOf(folder))
          throw new UsageError(
            `${flagNamed(name)} '${path}' is inside ${own.what}, '${folder}', in which no command writes: choose a path outside of it`,
          );
      }
  }
}

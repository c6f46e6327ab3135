// Refuses outputs inside a run, a version or a dataset: a file there would be replaced unseen by its checks,
// or be one that the directory does not list.

import { dirname, join, resolve } from "node:path";
import { UsageError } from "../../errors.js";
import type { OwnDirectory } from "../../io/replaceable.js";
import { kindAt, realPathOf } from "../../io/tree.js";
import { flagNamed } from "./table.js";

/** Options of all commands that name a file or directory to write. */
export const outputOptions = ["out", "html", "curve", "badRows", "writeConfig", "metricsFile"];

const kinds: readonly (readonly [marker: string, load: () => Promise<OwnDirectory>])[] = [
  ["publication.json", async () => (await import("../../embedding/own-run.js")).ownVersion],
  ["manifest.json", async () => (await import("../../embedding/own-run.js")).ownRun],
  ["dataset.json", async () => (await import("../../dataset/encoded/write.js")).ownDataset],
];

/** @throws {UsageError} an output is inside a directory that this program wrote as a whole, also through links */
export async function checkOutputPaths(given: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, path] of Object.entries(given)) {
    if (!outputOptions.includes(name) || typeof path !== "string" || path === "-") continue;
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

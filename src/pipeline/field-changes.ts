// A column that is no feature because it has hardly two rows a key may be one next week: what that changes for a version.

import { readDescription } from "../dataset/encoded/read.js";
import type { Roles } from "../dataset/dataset.js";
import { openRun } from "../embedding/run-directory.js";

/**
 * A sentence for each column that nobody named and that was a feature of the earlier run and is none, or the other way round.
 *
 * @param dataset directory of the encoded dataset
 * @param previous directory of the earlier run
 * @param version what the earlier run is called
 */
export async function fieldChanges(dataset: string, previous: string, version: string): Promise<string[]> {
  const { fields, leftOut = [] } = (await readDescription(dataset)).roles;
  const before = (await openRun(previous)).manifest.roles as Partial<Roles> | undefined;
  const lost = leftOut.filter((name) => before?.fields?.includes(name));
  const gained = fields.filter((name) => before?.leftOut?.includes(name));
  const stays = "set columns: fields: and columns: ignore: to fix the features";
  return [
    ...lost.map(
      (name) =>
        `column '${name}' has fewer than two rows per key and is no longer a feature, unlike in version ` +
        `${version}: ${stays}`,
    ),
    ...gained.map(
      (name) =>
        `column '${name}' is now a feature, unlike in version ${version}, where it had fewer than two rows ` +
        `per key: ${stays}`,
    ),
  ];
}

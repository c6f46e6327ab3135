// An encoded dataset as an output: which directories --force may replace.

import { join } from "node:path";
import { ArtifactError } from "../../errors.js";
import type { OwnDirectory } from "../../io/replaceable.js";
import { kindAt } from "../../io/tree.js";
import { readArtifact } from "../../io/read-artifact.js";
import { DATASET_MARKER, parseDescription, ROWS_FILE, VALUES_FILE } from "./description.js";

/** A directory whose dataset.json describes rows and columns, with the files that it lists. */
export const ownDataset: OwnDirectory = {
  what: "an encoded dataset",
  marker: DATASET_MARKER,
  async filesOf(dir) {
    const file = join(dir, DATASET_MARKER);
    if ((await kindAt(file)) !== "file") return undefined;
    try {
      parseDescription(await readArtifact(file), file);
    } catch (error) {
      if (error instanceof ArtifactError) return undefined;
      throw error;
    }
    return [DATASET_MARKER, ROWS_FILE, VALUES_FILE];
  },
};

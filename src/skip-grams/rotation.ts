// Rotating vectors and contexts together: h Q · z Q = h · z, so that what they score stays.

import type { EmbeddingTable } from "../embedding/table.js";
import { wholeRows, type Rotation } from "../training/capabilities/rotation.js";
import { CONTEXT_TABLE } from "./names.js";

/** The rotation of a run with a table of contexts, or without one. */
export function rotationOf(table: EmbeddingTable, { contexts }: { contexts: boolean }): Rotation {
  return {
    groups: wholeRows(table),
    tables: contexts ? [{ name: CONTEXT_TABLE, offset: 0 }] : [],
    files: async () => await Promise.resolve({}),
  };
}

// apache-arrow as CommonJS: reading its 150 files takes half as long as it does as modules, at the start of every command
// that reads or writes a table.

import type * as Arrow from "apache-arrow";
import { createRequire } from "node:module";

/** The package. */
export const arrow = createRequire(import.meta.url)("apache-arrow") as typeof Arrow;

// apache-arrow from its own files, which takes five times as long to load as its bundle (apache-arrow.ts) and leaves the names that
// subclasses use. What one makes, the other does not know.

import type * as Arrow from "apache-arrow";
import { createRequire } from "node:module";

/** The package. */
export const arrow = createRequire(import.meta.url)("apache-arrow") as typeof Arrow;

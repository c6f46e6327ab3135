// Loads apache-arrow from its separate modules, which takes five times as long as its bundle (apache-arrow.ts) but
// keeps the member names that subclasses use. Objects of one cannot be passed to the other.

import type * as Arrow from "apache-arrow";
import { createRequire } from "node:module";

/** The package. */
export const arrow = createRequire(import.meta.url)("apache-arrow") as typeof Arrow;

// Loads apache-arrow from its separate modules. This takes five times as long as its bundle (apache-arrow.ts), but
// keeps the names of members that subclasses use. An object from the modules cannot be passed to the bundle, or vice
// versa.

import type * as Arrow from "apache-arrow";
import { createRequire } from "node:module";

export const arrow = createRequire(import.meta.url)("apache-arrow") as typeof Arrow;

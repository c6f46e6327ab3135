import { table, threads } from "../../training/options/run-options.js";
import { text, whole, type Given } from "../../training/options/table.js";

const group = "Options:";
const MANY = Number.MAX_SAFE_INTEGER;

export const diffOptions = {
  field: text("name", { help: "compare only this field", group }),
  k: whole({
    min: 1,
    max: MANY,
    help: "number of nearest neighbors to compare per key",
    group,
    default: 10,
  }),
  top: whole({ min: 0, max: MANY, help: "number of most-moved keys to show", group, default: 5 }),
  ...table,
  ...threads,
} as const;

export type DiffOptions = Given<typeof diffOptions>;

import { engine, memory } from "../../training/options/reading.js";
import { threads } from "../../training/options/run-options.js";
import { text, type Given } from "../../training/options/table.js";

export const reproduceOptions = {
  keep: text("run", { help: "directory for the second run; by default it is removed", group: "Options:" }),
  ...threads,
  engine: {
    ...engine.engine,
    help: "for a run whose log was read through an engine: the database or server to read it from again",
  },
  ...memory,
} as const;

export type ReproduceOptions = Given<typeof reproduceOptions>;

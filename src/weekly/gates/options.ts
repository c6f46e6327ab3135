import { threads } from "../../training/shared-options/run-options.js";
import { flag, text, type GivenTo } from "../../options/table.js";

const group = "Options:";

export const gateOptions = {
  bounds: text("file", {
    help: "YAML file with bounds under `before:` and `after:`, or a pipeline file with bounds under `gates:`",
    group,
    required: true,
  }),
  previous: text("run", {
    help: "run to compare with, usually the last published version, such as store/items/latest",
    group,
  }),
  out: text("file", { help: "file to write all results to, in the format of gate.json", group }),
  force: flag({ help: "replace an existing file", group }),
  ...threads,
} as const;

export type GateOptions = GivenTo<typeof gateOptions>;

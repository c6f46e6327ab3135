import { threads } from "../../training/options/run-options.js";
import { flag, text, type GivenTo } from "../../training/options/table.js";

const group = "Options:";

export const alignOptions = {
  to: text("run", { help: "earlier run to align to, such as store/items/latest", group, required: true }),
  out: text("run", { help: "the run directory to write", group, required: true }),
  force: flag({ help: "replace an existing run", group }),
  ...threads,
} as const;

export type AlignOptions = GivenTo<typeof alignOptions>;

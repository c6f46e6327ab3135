import { wait } from "../store/options.js";
import { flag, text } from "../../options/table.js";

const group = "Options:";

export const forgetOptions = {
  keys: text("file", { help: "file with more keys to forget, one FIELD:KEY per line", group }),
  ...wait,
  dryRun: flag({ help: "report what would change without changing anything", group }),
} as const;

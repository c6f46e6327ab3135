import { importFormats } from "../../table/import/formats.js";
import { choice, flag, text, type GivenTo } from "../../options/table.js";

const group = "Options:";

export const importOptions = {
  format: choice(importFormats, {
    placeholder: "format",
    help: "format of the file",
    group,
    required: true,
  }),
  field: text("name", {
    help: "field that all keys belong to; without it keys must be field:key, or the file needs a column `field`",
    group,
  }),
  key: text("column", { help: "csv, tsv: column of the keys (default: key)", group }),
  user: text("field", { help: "field with the role user", group }),
  item: text("field", { help: "field with the role item", group }),
  out: text("run", { help: "run directory to write", group, required: true }),
  force: flag({ help: "replace an existing run", group }),
} as const;

export type ImportOptions = GivenTo<typeof importOptions>;

import { flag, text, withCommon, type GivenTo } from "../../training/options/table.js";
import { columns, hashedIds } from "../../training/options/columns.js";
import { badRows, engine, reading, threads } from "../../training/options/reading.js";

const everyOption = {
  ...columns,
  ...hashedIds,
  ...reading,
  ...engine,
  ...badRows,
  threads: {
    ...threads.threads,
    help: "maximum number of threads; the result does not depend on it",
    group: "Reading:",
  },
  out: text("dataset", { help: "dataset directory to write", group: "Output:", required: true }),
  force: flag({ help: "replace an existing dataset", group: "Output:" }),
} as const;

export const encodeOptions = withCommon(everyOption, [
  ...([
    "user",
    "item",
    "label",
    "time",
    "timeFormat",
    "weight",
    "session",
    "fields",
    "numeric",
    "multi",
  ] as const),
  ...(["ignore", "side", "drop", "where", "inputFormat", "delimiter", "header", "onBadRow"] as const),
  ...(["threads", "out", "force"] as const),
]);

export type EncodeOptions = GivenTo<typeof encodeOptions>;

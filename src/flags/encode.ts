// The flags of encode, and what they say.

import { flag, text, withCommon, type Given } from "../training/options/table.js";
import { columns, columnsOf, hashedIds } from "../training/options/columns.js";
import { badRows, engine, reading, firstReadingOf, threads } from "../training/options/reading.js";
import type { EncodeOptions } from "../api/encode.js";
import { BadRowReport } from "../training/reading/bad-row-report.js";

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

/** The options of encode. */
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

type GivenEncode = Given<typeof encodeOptions>;

/** What was given as options of the api. */
export function encodeOf(given: GivenEncode & { out: string }): EncodeOptions {
  const { out, force = false, onBadRow = "error", maxBad, badRows: file, hashKeys, hashKeysOf } = given;
  const named = Object.fromEntries(Object.entries(given).filter(([name]) => Object.hasOwn(columns, name)));
  return {
    ...columnsOf(named),
    ...{ onBadRow, out, force },
    reading: firstReadingOf(given),
    maxBad,
    ...(file !== undefined && { badRows: new BadRowReport(file, force) }),
    hashKeys,
    hashKeysOf,
  };
}

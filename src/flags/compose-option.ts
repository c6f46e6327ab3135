// --compose, of the commands that read an item's vector.

import { Option } from "commander";
import type { Compose } from "../api/compose.js";

const composings: readonly Compose[] = ["item", "none"];

/** The option. */
export function composeOption(): Option {
  return new Option(
    "--compose <what>",
    "vector of an item: item adds the vectors of its side columns, none uses only the item's own row",
  )
    .choices(composings)
    .default(undefined, "item, if the run has side columns");
}

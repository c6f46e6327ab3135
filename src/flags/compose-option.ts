// --compose, of the commands that read an item's vector.

import { Option } from "commander";
import type { Compose } from "../api/compose.js";

const composings: readonly Compose[] = ["item", "none"];

/** The option. */
export function composeOption(): Option {
  return new Option(
    "--compose <what>",
    "vector of an item: item adds the vectors of the columns that describe it, none takes its row alone",
  )
    .choices(composings)
    .default(undefined, "item, where columns go with it");
}

// --compose, of the commands that read an item's vector.

import { Option } from "commander";
import type { Compose } from "../api/compose.js";

const composings: readonly Compose[] = ["item", "none"];

/** The option. */
export function composeOption(): Option {
  return new Option(
    "--compose <what>",
    "an item's vector: item sums over all columns that go with it, none is its row",
  )
    .choices(composings)
    .default(undefined, "item, where columns go with it");
}

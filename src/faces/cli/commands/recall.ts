import { recallOptions } from "../../../use/recall/options.js";
import type { RecallSummary } from "../../../use/recall/summary.js";
import { countText } from "../../../base/errors.js";
import { commandSpec } from "../command-spec.js";

const examples = `
Examples (after embed train-ranking fixtures/purchases.csv -o ranks):
  embed recall ranks --k 20 -o lists.csv
  embed recall ranks --k 20 --format parquet -o lists.parquet
  embed recall ranks --for item --k 10 -o similar.csv
`;

export const command = commandSpec({
  description:
    "Writes the highest-ranked items for every user, excluding items that the user already has, or the " +
    "nearest items for every item. Results are exact unless --index is given. Users are processed in " +
    "blocks, so memory use does not grow with their number.",
  arguments: [["<run>", "run directory"]],
  examples,
  options: recallOptions,
  writes: true,
  async call([run], given, { watch, write }) {
    if (given.engineOutput !== undefined) {
      const { recallOnExecutors } = await import("../../../use/on-spark/recall.js");
      return await recallOnExecutors(run, given, watch);
    }
    const { recall } = await import("../../../use/recall/recall.js");
    return await recall(run, given, write, watch);
  },
  notes: (summary) => (summary.unchanged === true ? [] : recallText(summary)),
});

function recallText({
  out,
  seconds,
  lists,
  rows,
  empty,
  short,
  longest,
  items,
  coverage,
  popularity,
  newItems,
  options,
}: RecallSummary): string[] {
  const [whom, k] = [String(options["whom"]), Number(options["k"])];
  const lengths = [
    ...(empty > 0
      ? [
          options["listsPer"] === undefined
            ? `${countText(empty)} ${whom}s have an empty list`
            : `${countText(empty)} lists are empty`,
        ]
      : []),
    ...(short > 0 ? [`${countText(short)} lists are shorter than ${countText(k)}`] : []),
    ...(longest < k ? [`no list can have more than ${countText(longest)} items`] : []),
  ];
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const events =
    popularity === null ? "" : `, with ${countText(Math.round(popularity))} events each on average`;
  return [
    `${out === "-" ? "standard output" : out}: ${countText(lists)} lists of ${countText(k)}, ${countText(rows)} rows in ${seconds.toFixed(1)} s`,
    `${percent(coverage)} of ${countText(items)} items appear in a list${events}`,
    ...(newItems
      ? [
          `${percent(newItems.share)} of the places hold new items; ${percent(newItems.coverage)} of ${countText(newItems.items)} new items appear in a list`,
        ]
      : []),
    ...(lengths.length > 0 ? [lengths.join("; ")] : []),
  ];
}

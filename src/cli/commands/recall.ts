// embed recall

import type { Command } from "commander";
import type { RecallSummary } from "../../api/recall/recall.js";
import { markCommon } from "../../flags/common.js";
import { addOutputOptions } from "../../flags/options.js";
import { addRecallFlags, recallOf, type RecallFlags } from "../../flags/recall.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { writeLine, writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-ranking fixtures/purchases.csv -o ranks):
  embed recall ranks --k 20 -o lists.csv
  embed recall ranks --k 20 --format parquet -o lists.parquet
  embed recall ranks --for item --k 10 -o similar.csv
`;

/** Adds the command. */
export function addRecall(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("recall")
    .description(
      "Writes the highest-ranked items for every user, excluding items that the user already has, or the " +
        "nearest items for every item. Results are exact unless --index is given. Users are processed in " +
        "blocks, so memory use does not grow with their number.",
    )
    .argument("<run>", "run directory")
    .addHelpText("before", examples);
  addOutputOptions(addRecallFlags(command));
  markCommon(command, [
    ...[
      "for",
      "k",
      "score",
      "threads",
      "repeats",
      "mask",
      "positive-from",
      "items",
      "where",
      "within",
      "per",
    ],
    ...[
      "candidates",
      "users",
      "fold-in",
      "query",
      "index",
      "ef",
      "compose",
      "table",
      "format",
      "out",
      "url-env",
    ],
    ...["into", "force"],
  ]);
  return command.action(async (run: string, flags: RecallFlags & OutputOptions) => {
    const summary = await watched(flags, signal, (watch) =>
      callRecall(run, flags, { watch, write: writeResult }),
    );
    if (flags.json && summary.out !== "-") await writeResult(`${JSON.stringify(summary)}\n`);
    else if (!flags.quiet && summary.unchanged !== true) for (const line of textOf(summary)) writeLine(line);
  });
}

export async function callRecall(
  run: string,
  flags: RecallFlags,
  { watch, write }: Omit<Caller, "command">,
): Promise<RecallSummary> {
  const { recall } = await import("../../api/recall/recall.js");
  return await recall(run, await recallOf(flags), write, watch);
}

/** What was made, in a few lines. */
function textOf({
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
  options,
}: RecallSummary): string[] {
  const [whom, k] = [String(options["whom"]), Number(options["k"])];
  const number = (x: number) => x.toLocaleString("en");
  const lengths = [
    ...(empty > 0 ? [`${number(empty)} ${whom}s have an empty list`] : []),
    ...(short > 0 ? [`${number(short)} lists are shorter than ${number(k)}`] : []),
    ...(longest < k ? [`no list can have more than ${number(longest)} items`] : []),
  ];
  const share = `${(100 * coverage).toFixed(1)} %`;
  const events = popularity === null ? "" : `, with ${number(Math.round(popularity))} events each on average`;
  return [
    `${out === "-" ? "standard output" : out}: ${number(lists)} lists of ${number(k)}, ${number(rows)} rows in ${seconds.toFixed(1)} s`,
    `${share} of ${number(items)} items appear in a list${events}`,
    ...(lengths.length > 0 ? [lengths.join("; ")] : []),
  ];
}

import { predictOptions, type PredictSummary } from "../../../use/predict/options.js";
import { commandSpec } from "../command-spec.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run):
  embed predict run fixtures/clicks.csv --keep user,item -o predictions.csv
  embed predict run fixtures/clicks.csv -o predictions.parquet
  tail -f clicks.csv | embed predict run - --keep user,item
Example with trees of another program:
  embed predict --model model.txt rows.csv -o scores.csv
`;

export const command = commandSpec({
  description:
    "Writes a run's prediction for each row of a log, in the order of the log: a probability, a number, " +
    "one probability per class, or a ranking model's score for a user and an item. The log is read with " +
    "the run's options and needs no label. CSV and JSON lines are processed in blocks, so memory use does " +
    "not grow with the log.",
  arguments: [
    ["[run]", "run directory; omit with --model"],
    ["[log...]", "files or patterns, read as one log; - is stdin"],
  ],
  examples,
  options: predictOptions,
  writes: true,
  async call([first, more], given, { watch, write }) {
    if (given.engineOutput !== undefined) {
      const { rowsOnServer } = await import("../../../use/on-spark/rows.js");
      const made = await rowsOnServer(first, more, { command: "predict", given }, watch);
      return made as PredictSummary;
    }
    const { predict } = await import("../../../use/predict/predict.js");
    const named = [...(first === undefined ? [] : [first]), ...more];
    const [run, on] = given.model === undefined ? [named[0], named.slice(1)] : [undefined, named];
    return await predict(run, on, given, write, watch);
  },
  notes: (summary) => [predictText(summary)],
});

function predictText({ out, rows, seconds, predictions }: PredictSummary): string {
  const names = predictions.length > 3 ? `${predictions.length} classes` : predictions.join(", ");
  return `${out === "-" ? "standard output" : out}: ${rows.toLocaleString("en")} rows (${names}) in ${seconds.toFixed(1)} s`;
}

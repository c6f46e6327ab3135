// The pages of `embed help TOPIC`: the options that many commands share, from their option tables.

import { Command, Help, type Option } from "commander";
import { exitCodes } from "../../base/errors.js";
import { addTable } from "../../options/commander-flags.js";
import { forms } from "../../log/form.js";
import { columns, hashedIds } from "../../training/shared-options/columns.js";
import { labels } from "../../training/shared-options/features.js";
import { events, split } from "../../training/shared-options/split-options.js";
import { badRows, memory, reading } from "../../training/shared-options/reading.js";
import type { OptionTable } from "../../options/table.js";
import { weekly } from "../../training/shared-options/weekly.js";
import type { TopicName } from "./topics.js";

const COLUMNS = `A log is a table of events. Each column has a role or is a feature.

Roles (user, item, label, time) are inferred from the header and the first rows. Training prints the inferred roles, and
options override them. \`embed inspect LOG\` shows the columns and their roles without training. Columns without a role
are categorical features, except columns with nearly as many values as rows, such as request ids, which are left out
with a warning. --fields sets the full list of features explicitly.

Where an option takes a field, \`user\` and \`item\` stand for the columns with these roles: --key item:tea-03.`;

const WHERE = `--where compares a column with a number or a string:
  'Quantity > 0 and Country != "France"'
  'Country in ("France", "Spain") or InvoiceNo starts_with "C"'
  'not (Country is missing)'`;

const READING = `A log is one file, several files or quoted patterns ('logs/*.csv.gz') that are read as one log in the order given, an
encoded dataset (\`embed encode\`), or - for standard input. Files ending in .gz and .zst are decompressed. Every command that
reads a log takes these options.`;

const SPLITS = `Without --valid and --test, all rows are used for training: there are no held-out metrics and no early stopping.

  embed train-fm log.csv -o run --valid 10% --test 10%          the latest 10% of the rows are the test split
  embed train-fm log.csv -o run --valid 2026-01-01 --test 2026-02-01   by date
  embed train-fm log.csv -o run --valid valid.csv --test test.csv      from other files (./10% is a file, 10% a share)
  embed train-ranking log.csv -o run --split last --last 1      each user's last event

Use the validation split to choose epochs and settings, and the test split once, at the end.

--split time    (default with a time column) rows are sorted by time: the latest are the test split, those before are the validation split
--split random  (default without one) by a hash of the seed and the row, so a row always goes to the same split
--split rows    by a hash of the seed and the row number, so every trainer holds out the same rows
--split user    whole users are held out
--split items   the newest items are held out with all their events: evaluate with \`embed evaluate --cold\`
--split last    the last events of each user, or the last groups of events (--group), are held out`;

const WEEKLY = `To retrain every week, warm-start from last week's run: vectors stay comparable and training takes less time.

  embed train-fm week-2.csv -o week-2 --init week-1 --valid 10%

\`embed init LOG -o pipeline.yaml\` writes a pipeline file, and \`embed run pipeline.yaml\` runs the whole job: encode, gate,
train, align, export, publish. \`embed schedule\` prints a unit for cron, systemd, Kubernetes or Airflow. The options of
a single training are:`;

const sharedTables = {
  columns: { ...columns, ...hashedIds, ...labels },
  reading: { ...reading, ...badRows, ...events, ...memory },
  splits: split,
  weekly,
} satisfies Record<string, OptionTable>;

export const pages: Readonly<Record<TopicName, () => Promise<string> | string>> = {
  columns: () => page(COLUMNS, optionLines(sharedTables.columns), WHERE),
  reading: () => page(READING, optionLines(sharedTables.reading)),
  splits: () => page(SPLITS, optionLines(sharedTables.splits)),
  weekly: () => page(WEEKLY, optionLines(sharedTables.weekly)),
  formats,
  "exit-codes": () => page(exitCodeText()),
};

function page(...parts: string[]): string {
  return `${parts.join("\n\n")}\n`;
}

function optionLines(table: OptionTable): string {
  const help = new Help();
  const command = addTable(new Command(), table);
  const shown: [string, string][] = help
    .visibleOptions(command.helpOption(false))
    .map((option: Option) => [help.optionTerm(option), help.optionDescription(option)]);
  return lined(shown);
}

function lined(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([term]) => term.length));
  return rows.map(([term, text]) => `  ${term.padEnd(width)}  ${text}`).join("\n");
}

async function formats(): Promise<string> {
  const [{ formatSummaries }, { importOptions }, { rowFormats, listServers }] = await Promise.all([
    import("../../use/export/export.js"),
    import("../../use/import/options.js"),
    import("../../export/row-formats.js"),
  ]);
  const inputs: [string, string][] = [
    ["csv", "text with any delimiter: every extension not listed below"],
    ...Object.entries(forms)
      .filter(([form]) => form !== "csv")
      .map(([form, { extensions }]): [string, string] => [form, extensions.join(", ")]),
  ];
  return page(
    "Logs, by extension or --input-format. All except Parquet may be compressed (.gz, .zst) or read from " +
      `standard input:\n${lined(inputs)}`,
    `Tables written by \`embed export RUN --format F\`:\n${lined(formatSummaries)}`,
    `Tables read by \`embed import FILE --format F\`:\n  ${importOptions.format.choices!.join(", ")}`,
    `Lists written by \`embed recall RUN --format F\`:\n  ${[...rowFormats, ...listServers].join(", ")}`,
  );
}

function exitCodeText(): string {
  return (
    `${lined(exitCodes.map(({ code, when }) => [code, when]))}\n\nAn error is one line on stderr, \`embed: ` +
    '...`, or with --log-format json an object {"stage":"error","text":...}. Outputs\nare complete or ' +
    "absent: a failed command leaves an existing output unchanged."
  );
}

import { UsageError } from "../../base/errors.js";
import { labels } from "../../training/shared-options/features.js";
import { log, type GivenTraining } from "../../training/shared-options/log.js";
import { passes } from "../../training/shared-options/passes.js";
import { engine, threads } from "../../training/shared-options/reading.js";
import {
  choice,
  custom,
  flag,
  list,
  omit,
  text,
  whole,
  withCommon,
  type Given,
} from "../../options/table.js";
import { goals } from "../../training/session/trainer.js";

const group = "Comparison:";
const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };
/** Maximum delay of a timer in milliseconds: 24 days. */
const LONGEST = 2 ** 31 - 1;

/** Options of `embed compare` that trainings do not have. */
export const compareOwn = {
  goal: choice(goals, {
    placeholder: "goal",
    help: "what the embedding is for: predictions of rows' labels, or lists of items for users; by default predictions if labels are 0 and 1, lists if there is no label",
    group,
  }),
  trainers: list("commands", {
    help: "commands to compare, separated by commas; by default all that suit the log",
    group,
  }),
  search: whole({
    min: 2,
    max: Number.MAX_SAFE_INTEGER,
    help: "try n settings of each trainer that has --search on the validation split, and train with the best",
    group,
  }),
  budget: custom(
    "span",
    {
      type: "string",
      parse: spanOf,
      complaint: (ms: number) => (ms > 0 && ms <= LONGEST ? undefined : "a span from 1s to 24 days"),
    },
    {
      help: "wall-clock time of the comparison, such as 90s, 10m or 2h: cheap trainers come first, and what is left out is listed",
      group,
      default: 10 * 60_000,
      shown: "10m",
    },
  ),
  k: whole({ min: 1, max: 1000, help: "lists: length K of the lists", group, default: 20 }),
  repeats: choice(["mask", "allow"], {
    help: "lists: items that a user has from training: mask leaves them out of the ranking, allow keeps them",
    group,
  }),
  bootstrap: whole({
    min: 2,
    max: 1_000_000,
    help: "number of bootstrap samples for the intervals",
    group,
    default: 1000,
  }),
  out: text("file", { help: "HTML page to write", group: "Output:", required: true }),
  runs: text("dir", {
    help: "folder for the runs that are trained (default: beside the page, report-runs for report.html)",
    group: "Output:",
  }),
  force: flag({
    help: "replace an existing page, and runs of the same names in the folder",
    group: "Output:",
  }),
} as const;

export const compareOptions = withCommon(
  {
    // leaves out the options of database servers, through which each trainer would read the whole log once more
    ...omit(log, ...(Object.keys(engine) as (keyof typeof engine)[])),
    valid: { ...log.valid, default: 0.1, shown: "0.1; with --split last none" },
    test: { ...log.test, default: 0.1, shown: "0.1; with --split last none" },
    positiveFrom: {
      ...labels.positiveFrom,
      help: "turn labels into 0 and 1: x or more is 1; of lists only those rows are events",
    },
    ...compareOwn,
    seed: { ...passes.seed, help: "random seed of trainings, splits and intervals" },
    ...threads,
  } as const,
  [
    ...(["user", "item", "label", "time", "session", "fields", "numeric", "ignore", "positiveFrom"] as const),
    ...(["valid", "test", "split", "goal", "trainers", "search", "budget", "k", "repeats"] as const),
    ...(["seed", "threads", "out", "runs", "force"] as const),
  ],
);

/** The options of `embed compare` that the user set. */
export type GivenCompare = Given<typeof compareOwn> &
  Omit<GivenTraining, keyof Given<typeof compareOwn>> & { out: string; seed?: number };

function spanOf(given: string, flagName: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(s|m|h)$/.exec(given) ?? [];
  if (count === undefined)
    throw new UsageError(`${flagName} expects a span such as 90s, 10m or 2h, got '${given}'`);
  return Number(count) * UNITS[unit!]!;
}

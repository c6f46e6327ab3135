// Options that say which keys get a feature of their own.

import { Option, type Command } from "commander";
import { UsageError } from "../errors.js";
import type { ExampleOptions } from "../training/example-options.js";
import { numberOf, wholeOf } from "./options.js";

type VocabularyOptions = Pick<
  ExampleOptions,
  "minCount" | "maxVocab" | "minUsers" | "hash" | "oovDropout" | "rowOrder"
>;
type PerField = ExampleOptions["minCount"];

export type VocabularyFlags = Partial<VocabularyOptions>;

/** Adds the options that bound vocabularies. */
export function addVocabularyOptions(command: Command): Command {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Model:");
  return command
    .addOption(
      group(
        "--min-count <n>",
        "rarer keys are out-of-vocabulary; item_id=5 for one field, repeat it (default: 1)",
      ).argParser(perFieldOf("--min-count", 0, 1)),
    )
    .addOption(
      group(
        "--max-vocab <n>",
        "keys of a field at the most, the most frequent; user_id=100000 for one field",
        // no bound, as a number that the manifest's JSON can hold
      ).argParser(perFieldOf("--max-vocab", 1, Number.MAX_SAFE_INTEGER)),
    )
    .addOption(
      group("--min-users <n>", "keys with fewer distinct users are out-of-vocabulary").argParser(
        wholeOf("--min-users", 0),
      ),
    )
    .addOption(
      group(
        "--hash <column:bits>",
        "no vocabulary: keys share 2^bits rows by their hash; repeat it for several",
      ).argParser(hashOf),
    )
    .addOption(
      group(
        "--oov-dropout <share>",
        "known keys hidden in training, so that unknown ones have a vector (default: 0)",
      ).argParser(numberOf("--oov-dropout")),
    )
    .addOption(
      group("--row-order <run>", "keys of an earlier run keep their row numbers, new ones are appended"),
    );
}

/** The flags as limits. */
export function vocabularyOf({
  minCount = 1,
  maxVocab,
  minUsers,
  hash,
  oovDropout,
  rowOrder,
}: VocabularyFlags): VocabularyOptions {
  return {
    minCount,
    ...(maxVocab !== undefined && { maxVocab }),
    ...(minUsers !== undefined && { minUsers }),
    ...(hash && { hash }),
    ...(oovDropout !== undefined && { oovDropout }),
    ...(rowOrder !== undefined && { rowOrder }),
  };
}

/** `2` for every field, `item_id=5` for one (split at the last =); repeats and takes commas. */
function perFieldOf(
  flag: string,
  min: number,
  standard: number,
): (text: string, previous: PerField | undefined) => PerField {
  return (text, previous = standard) =>
    text.split(",").reduce((limit: PerField, part): PerField => {
      const { others, byField } = typeof limit === "number" ? { others: limit, byField: {} } : limit;
      const equals = part.lastIndexOf("=");
      const n = wholeOf(flag, min)(part.slice(equals + 1));
      if (equals > 0) return { others, byField: { ...byField, [part.slice(0, equals)]: n } };
      return Object.keys(byField).length === 0 ? n : { others: n, byField };
    }, previous);
}

/** `user_id:20` as one entry of a record, split at the last colon. */
function hashOf(text: string, previous: Record<string, number> | undefined): Record<string, number> {
  const colon = text.lastIndexOf(":");
  if (colon < 1) throw new UsageError(`--hash expects COLUMN:BITS, such as user_id:20, got '${text}'`);
  return { ...previous, [text.slice(0, colon)]: wholeOf("--hash", 1)(text.slice(colon + 1)) };
}

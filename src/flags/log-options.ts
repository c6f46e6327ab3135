// Options of every training that reads a log, cuts it, fits vocabularies and writes a run.

import type { Command } from "commander";
import { availableParallelism } from "node:os";
import { addColumnOptions, columnsOf, type ColumnFlags } from "./column-options.js";
import { addEventOptions, eventsOf, type EventFlags } from "./event-options.js";
import { addHashKeysOptions, hashKeysOf, type HashKeysFlags } from "./hash-keys-options.js";
import {
  addBadRowOptions,
  addLogArgument,
  addReadingOptions,
  readingOf,
  type BadRowFlags,
  type ReadingFlags,
} from "./options.js";
import { addSplitOptions, splitOf, type SplitFlags } from "./split-options.js";
import { addVocabularyOptions, vocabularyOf, type VocabularyFlags } from "./vocabulary-options.js";

/** As commander gives them. */
export type LogFlags = ReadingFlags &
  Omit<BadRowFlags, "force"> &
  VocabularyFlags &
  EventFlags &
  HashKeysFlags &
  SplitFlags &
  ColumnFlags & { out: string; force?: boolean };

/** Adds the log, and how it is read, cut and bounded. */
export function addLogOptions(command: Command): Command {
  addBadRowOptions(addReadingOptions(addColumnOptions(addLogArgument(command))));
  return addVocabularyOptions(addEventOptions(addHashKeysOptions(addSplitOptions(command))));
}

/** The flags as options of the api. @param unlabelled the log has no labels, and none is to be found in it */
export function logOf(flags: LogFlags, { unlabelled }: { unlabelled: boolean }) {
  return {
    ...columnsOf(flags),
    onBadRow: flags.onBadRow,
    infer: true,
    unlabelled,
    reading: readingOf(flags, flags.threads ?? availableParallelism()),
    out: flags.out,
    force: flags.force ?? false,
    ...vocabularyOf(flags),
    ...eventsOf(flags),
    ...hashKeysOf(flags),
    ...splitOf(flags),
  };
}

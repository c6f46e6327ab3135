// --init: the tables of an earlier run of the same kind.

import { DEFAULT_TABLE } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { CONTEXT_TABLE } from "../../skip-grams/names.js";
import {
  earlierTables,
  openEarlierRun,
  startOf,
  type EarlierTokens,
  type SgnsStart,
} from "../../skip-grams/start.js";
import type { Vocabulary } from "../../skip-grams/vocabulary.js";
import { checkDim } from "../../training/warm-start.js";
import { methods, type Method } from "./methods.js";
import { GRAPH_MODEL, ORDER_TABLES, SYMMETRIC_MODEL, TWO_ORDERS_MODEL } from "./names.js";
import type { GraphOptions, ToldGraph } from "./options.js";

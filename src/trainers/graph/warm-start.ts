// --init of train-graph: starts from a run's tables: vectors and contexts, for each pair of these that the method
// trains (LINE trains one pair per order); for EGES also from the items' own vectors and attention logits.

import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import {
  readOptimizerFile,
  readSgnsTables,
  startOf,
  type SgnsInit,
  type SgnsStart,
} from "../shared/skip-grams/warm-start.js";
import type { SgnsVocabulary } from "../shared/skip-grams/vocabulary.js";
import { checkDim, openInitRun } from "../../training/warm-start/init-run.js";
import { methods, type WalkMethod } from "./methods.js";
import type { CarriedItems } from "./eges/artifact.js";
import type { SideInformation } from "./eges/side-information.js";
import { composedStart, readEgesInit, type EgesInit } from "./eges/warm-start.js";
import { EGES_MODEL, kindOf, kinds } from "./side-tables.js";
import { samplesOf, type GraphOptions, type GivenGraph } from "./options.js";

export interface GraphInit {
  run: Run;
  /** length of the default table's vectors */
  dim: number;
  /** for each pair of vectors and contexts (LINE: one per order); the first pair also has the keys */
  sides: readonly [SgnsInit, ...SgnsInit[]];
  /** for EGES, which trains one such pair: also the items' own vectors and attention logits */
  composed?: EgesInit;
}

export async function openGraphInit(
  given: GivenGraph,
  graphOptions: GraphOptions,
  command: string,
): Promise<GraphInit | undefined> {
  const run = await openInitRun(given, command);
  if (!run) return undefined;
  if (graphOptions.method === "eges") return await openEgesInit(run, given, graphOptions);
  const method: WalkMethod = methods[graphOptions.method];
  const kind = kindOf(method.sides({ ...graphOptions, samples: samplesOf(graphOptions, 0) }));
  if (run.manifest.model !== kind) throw otherTables(run, graphOptions);
  const sides = await Promise.all(kinds[kind].map((tables) => readSgnsTables(run, tables)));
  const dim = sides.reduce((sum, side) => sum + side.dim, 0);
  checkDim(run, dim, given.dim);
  const dims = sides.map((side) => side.dim);
  const squares = await readOptimizerFile(run, sides[0]!.space.numFeatures, dims);
  const [one, ...others] = sides.map((side, i) => ({ ...side, squares: squares?.[i] }));
  return { run, dim, sides: [one!, ...others] };
}

async function openEgesInit(run: Run, given: GivenGraph, graphOptions: GraphOptions): Promise<GraphInit> {
  if (run.manifest.model !== EGES_MODEL) throw otherTables(run, graphOptions);
  const { aggregate } = run.manifest.options as { aggregate?: string };
  if (aggregate !== graphOptions.aggregate)
    throw new UsageError(
      `--init '${run.path}' was trained with --aggregate ${aggregate}, got --aggregate ` +
        `${graphOptions.aggregate}: set --aggregate ${aggregate}, or train without --init`,
    );
  const composed = await readEgesInit(run);
  const { dim } = composed;
  checkDim(run, dim, given.dim);
  return { run, dim, sides: [composed], composed };
}

function otherTables({ path, manifest }: Run, { method: wanted }: GraphOptions): UsageError {
  const { method, order } = manifest.options as { method?: string; order?: string | number };
  const madeBy = `--method ${method}${order === undefined ? "" : ` --order ${order}`}`;
  return new UsageError(
    `--init '${path}' was trained by ${madeBy} and has different tables than --method ${wanted}: ` +
      "use the --method and --order of that run, or train without --init",
  );
}

/** For EGES also returns the parameters that items keep from the run. */
export function startsOf(
  init: GraphInit | undefined,
  { carried }: SgnsVocabulary,
  side: SideInformation | undefined,
  freezes: boolean,
): { starts: (SgnsStart | undefined)[]; items?: CarriedItems; warnings: string[] } {
  if (!init || !carried) return { starts: [], warnings: [] };
  const { run, sides, composed } = init;
  if (!composed || !side) return { starts: sides.map((one) => startOf(one, carried, freezes)), warnings: [] };
  const { start, items, changed } = composedStart(composed, carried, side, freezes);
  return {
    starts: [start],
    items,
    warnings:
      changed === 0
        ? []
        : [
            `--freeze known: ${changed} items of run '${run.path}' have different side values here but keep ` +
              "the vectors composed from the earlier values",
          ],
  };
}

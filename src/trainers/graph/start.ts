// --init: the tables of an earlier run of the same kind, a pair a side, or of EGES what its items are composed of.

import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { readOptimizerFile } from "../../skip-grams/optimizer-file.js";
import {
  openEarlierRun,
  readEarlier,
  startOf,
  type EarlierTokens,
  type SgnsStart,
} from "../../skip-grams/start.js";
import type { Vocabulary } from "../../skip-grams/vocabulary.js";
import { checkDim } from "../../training/warm-start/warm-start.js";
import { methods, type Method } from "./methods.js";
import type { Standing } from "./eges/artifact.js";
import type { SideInformation } from "./eges/side-information.js";
import { composedStart, readComposed, type EarlierComposed } from "./eges/start.js";
import { EGES_MODEL, kindOf, kinds } from "./names.js";
import { samplesOf, type GraphOptions, type GivenGraph } from "./options.js";

/** An earlier run, read. */
export interface EarlierNodes {
  run: Run;
  /** of the default table */
  dim: number;
  /** each side's tables; the first has the keys, too */
  sides: readonly [EarlierTokens, ...EarlierTokens[]];
  /** of EGES: the only side */
  composed?: EarlierComposed;
}

/**
 * Opens the run of --init, if there is one.
 *
 * @throws {UsageError} it holds other tables than this training, or an option needs --init
 * @throws {ArtifactError} damaged
 */
export async function openEarlierNodes(
  given: GivenGraph,
  graphOptions: GraphOptions,
  command: string,
): Promise<EarlierNodes | undefined> {
  const run = await openEarlierRun(given, command);
  if (!run) return undefined;
  if (graphOptions.method === "eges") return await openComposed(run, given, graphOptions);
  const method: Method = methods[graphOptions.method];
  const kind = kindOf(method.sides({ ...graphOptions, samples: samplesOf(graphOptions, 0) }));
  if (run.manifest.model !== kind) throw otherTables(run, graphOptions);
  const [first, ...others] = kinds[kind];
  const sides = [
    await readEarlier(run, first),
    ...(await Promise.all(others.map((one) => readEarlier(run, one)))),
  ];
  const dim = sides.reduce((sum, side) => sum + side.dim, 0);
  checkDim(run, dim, given.dim);
  const dims = sides.map((side) => side.dim);
  const squares = await readOptimizerFile(run, sides[0]!.space.numFeatures, dims);
  const [one, ...rest] = sides.map((side, i) => ({ ...side, squares: squares?.[i] }));
  return { run, dim, sides: [one!, ...rest] };
}

async function openComposed(run: Run, given: GivenGraph, graphOptions: GraphOptions): Promise<EarlierNodes> {
  if (run.manifest.model !== EGES_MODEL) throw otherTables(run, graphOptions);
  const { aggregate } = run.manifest.options as { aggregate?: string };
  if (aggregate !== graphOptions.aggregate)
    throw new UsageError(
      `--init '${run.path}' was trained with --aggregate ${aggregate}, got --aggregate ` +
        `${graphOptions.aggregate}: set --aggregate ${aggregate}, or train without --init`,
    );
  const composed = await readComposed(run);
  const { dim } = composed;
  checkDim(run, dim, given.dim);
  return { run, dim, sides: [composed], composed };
}

function otherTables(run: Run, { method }: GraphOptions): UsageError {
  return new UsageError(
    `--init '${run.path}' was trained by ${madeBy(run)} and has different tables than --method ${method}: ` +
      "use the --method and --order of that run, or train without --init",
  );
}

/** The options of a run that decide what it holds. */
function madeBy({ manifest: { options } }: Run): string {
  const { method, order } = options as { method?: string; order?: string | number };
  return `--method ${method}${order === undefined ? "" : ` --order ${order}`}`;
}

/** Where each side starts, and of EGES what items keep of the earlier run. */
export function startsOf(
  earlier: EarlierNodes | undefined,
  { gone }: Vocabulary,
  side: SideInformation | undefined,
  freezes: boolean,
): { starts: (SgnsStart | undefined)[]; standing?: Standing; warnings: string[] } {
  if (!earlier || !gone) return { starts: [], warnings: [] };
  const { run, sides, composed } = earlier;
  if (!composed || !side) return { starts: sides.map((one) => startOf(one, gone, freezes)), warnings: [] };
  const { start, standing, changed } = composedStart(composed, gone, side, freezes);
  return {
    starts: [start],
    standing,
    warnings:
      changed === 0
        ? []
        : [
            `--freeze known: ${changed} items of run '${run.path}' have different side values here but keep ` +
              "the vectors composed from the earlier values",
          ],
  };
}

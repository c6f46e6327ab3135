// --init: the tables of an earlier run of the same kind, a pair a side.

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
import { checkDim } from "../../training/warm-start.js";
import { methods, type Method } from "./methods.js";
import { kindOf, kinds } from "./names.js";
import { samplesOf, type GraphOptions, type ToldGraph } from "./options.js";

/** An earlier run, read. */
export interface EarlierNodes {
  run: Run;
  /** of the default table */
  dim: number;
  /** each side's tables; the first has the keys, too */
  sides: readonly [EarlierTokens, ...EarlierTokens[]];
}

/**
 * Opens the run of --init, if there is one.
 *
 * @throws {UsageError} it holds other tables than this training, or an option needs --init
 * @throws {ArtifactError} damaged
 */
export async function openEarlierNodes(
  told: ToldGraph,
  given: GraphOptions,
  command: string,
): Promise<EarlierNodes | undefined> {
  const run = await openEarlierRun(told, command);
  if (!run) return undefined;
  const method: Method = methods[given.method];
  const kind = kindOf(method.sides({ ...given, samples: samplesOf(given, 0) }));
  if (run.manifest.model !== kind)
    throw new UsageError(
      `--init '${run.path}' was made by ${madeBy(run)}, and holds other tables than --method ${given.method} makes here: ` +
        "give the --method and --order of that run, or train without --init",
    );
  const [first, ...others] = kinds[kind];
  const sides = [
    await readEarlier(run, first),
    ...(await Promise.all(others.map((one) => readEarlier(run, one)))),
  ];
  const dim = sides.reduce((sum, side) => sum + side.dim, 0);
  checkDim(run, dim, told.dim);
  const { space, dim: width } = sides[0]!;
  const squares = await readOptimizerFile(run, space.numFeatures, width);
  return { run, dim, sides: [{ ...sides[0]!, squares }, ...sides.slice(1)] };
}

/** The options of a run that decide what it holds. */
function madeBy({ manifest: { options } }: Run): string {
  const { method, order } = options as { method?: string; order?: string | number };
  return `--method ${method}${order === undefined ? "" : ` --order ${order}`}`;
}

/** Where each side starts. */
export function startsOf(
  earlier: EarlierNodes | undefined,
  { gone }: Vocabulary,
  freezes: boolean,
): (SgnsStart | undefined)[] {
  return earlier && gone ? earlier.sides.map((side) => startOf(side, gone, freezes)) : [];
}

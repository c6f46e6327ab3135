import { MISSING } from "../../log/keys.js";
import { columnNamed, type KeyColumn } from "../../dataset/dataset.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { vectorEncoding } from "../../export/encoded-rows.js";
import { composeVectors } from "../shared/factor-model/compose.js";
import { newKeysOf, type FoldingIn } from "../../training/capabilities/folded-keys.js";
import { readSpace } from "../../training/capabilities/run-space.js";
import { PCA_MODELS, readPcaTensors } from "./artifact.js";
import type { PcaOptions } from "./options.js";
import { interactionFolding, projectionOf, type FoldedEvents } from "./project.js";
import { silently } from "../../training/reading/split-parts.js";
import type { Watch } from "../../training/session/watch.js";
import { openAsTrained, openTableAsTrained } from "../../training/reading/open-as-trained.js";
import { encodedChunks } from "../../training/capabilities/encoded-chunks.js";
import type { Transformed, TransformOptions } from "../../training/shared-options/transform-options.js";

export async function projectRows(run: Run, options: TransformOptions, watch: Watch): Promise<Transformed> {
  const model = await readSpace(run);
  const { whiten } = run.manifest.options as unknown as PcaOptions;
  const isTable = run.manifest.model === PCA_MODELS.columns;
  const projection = projectionOf(model.space, await readPcaTensors(run), { isTable, whiten });
  const { dataset, known } = await openTableAsTrained(model, options, watch);
  const absent = model.space.fields.map(({ name }) => name).filter((name) => !known.includes(name));
  const warnings = absent.map((name) => `column '${name}' is missing: its cells are treated as empty`);
  for (const text of warnings) watch.observe({ stage: "warning", text });
  const { dim, loadings, offset } = projection;
  const encoding = { ...vectorEncoding(options.key, dim, dataset.numRows), unbiased: true as const };
  const parameters = { dim, w0: 0, w: new Float32Array(), vectors: loadings };
  const rows = encodedChunks(model.space, dataset, options.key, (chunk) => {
    const values = composeVectors(parameters, chunk);
    for (let at = 0; at < values.length; at++) values[at]! -= offset[at % dim]!;
    return { values };
  });
  return { encoding, rows, warnings };
}

/** Folds in users or items of --matrix interactions. @throws {UsageError} the run's options do not allow it */
export async function foldInInteractions(
  run: Run,
  options: TransformOptions,
  watch: Watch,
): Promise<FoldingIn> {
  if (options.l2Weight !== undefined || options.l2Vector !== undefined)
    throw new UsageError("--l2-weight and --l2-vector cannot be used here: a projection has no penalty");
  const model = await readSpace(run);
  const { preprocess, space, table } = model;
  const { roles, eventWeight } = preprocess;
  if (roles.weight !== undefined || eventWeight !== undefined) {
    throw new UsageError(
      `--fold-in: run '${run.path}' was trained with centered event weights, which do not apply to new events`,
    );
  }
  const { values, scale, center, ...how } = run.manifest.options as unknown as PcaOptions;
  // runs of earlier versions lack --response and --degree-power
  const { response = "ideal", degreePower = 0.5 } = how as Partial<PcaOptions>;
  const tensors = await readPcaTensors(run);
  const names = { user: roles.user!, item: roles.item! };
  const vectorOf = (side: "user" | "item") => {
    if (side === "item" && (scale || center))
      throw new UsageError(
        "--fold-in of items needs a run without --scale and --center: a new column has no mean or standard " +
          "deviation",
      );
    if (side === "item" && (response.startsWith("plateau") || degreePower !== 0.5))
      throw new UsageError(
        "--fold-in of items needs a run without --response plateau and with --degree-power 0.5: otherwise " +
          "the vector of a new item depends on all events",
      );
    return interactionFolding(side, names, table, tensors, values);
  };
  const foldings = new Map<"user" | "item", ReturnType<typeof vectorOf>>();
  return {
    ...{ dim: table.dim, biased: false },
    async of(log, mayBeNone) {
      const { dataset } = await openAsTrained(preprocess, log, silently(watch));
      const fresh = newKeysOf(model, dataset, { given: options.field, mayBeNone }, watch);
      const folding = foldings.get(fresh.side) ?? vectorOf(fresh.side);
      foldings.set(fresh.side, folding);
      const other = names[fresh.side === "user" ? "item" : "user"];
      const field = space.fields.find(({ name }) => name === other)!;
      const column = columnNamed(dataset, other) as KeyColumn;
      const ids = field.kind === "key" ? idsOf(field, column.dictionary) : new Uint32Array();
      const events = eventsByKey(fresh.column, fresh.codes, column, ids);
      const numKnown = events.filter(({ others }) => others.length > 0).length;
      return {
        ...{ column: fresh.column, codes: fresh.codes, lack: "has an event" },
        vectors: events.map(folding),
        notes: [
          `${events.length} new keys of '${fresh.column.name}', ${numKnown} with events of a known '${other}'`,
        ],
      };
    },
  };
}

/**
 * Returns, for each code of one column, the known keys of the other column with which it has events, and the number of
 * these events.
 */
function eventsByKey(
  column: KeyColumn,
  codes: readonly number[],
  other: KeyColumn,
  ids: Uint32Array,
): FoldedEvents[] {
  const counts = new Map(codes.map((code) => [code, new Map<number, number>()]));
  column.codes.forEach((code, row) => {
    const own = counts.get(code);
    const beside = other.codes[row]!;
    if (!own || beside === MISSING || ids[beside] === 0) return;
    const position = ids[beside]! - 1;
    own.set(position, (own.get(position) ?? 0) + 1);
  });
  return codes.map((code) => {
    const sorted = [...counts.get(code)!].sort(([a], [b]) => a - b);
    return {
      others: Uint32Array.from(sorted, ([position]) => position),
      counts: Float64Array.from(sorted, ([, count]) => count),
    };
  });
}

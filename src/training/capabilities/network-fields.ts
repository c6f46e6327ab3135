import type { Field } from "../../dataset/vocabulary/vocabulary.js";
import { tableRows } from "../../table/rows.js";
import type { Run } from "../../table/run-directory.js";
import type { EmbeddingTable } from "../../table/table.js";
import { UsageError, excerpt } from "../../base/errors.js";
import { formatNamed } from "../../export/formats.js";
import { checkHeld } from "../../export/key-rules.js";
import type { NetworkKeys, NetworkNumber } from "../../export/onnx/columns.js";
import { selectRows, type OnnxInput } from "../../export/selection.js";

/**
 * Checks that ONNX can express the fields, before the graph is built.
 * @throws {UsageError} a field is multi-valued, or hashed
 * @throws {DataError} a key cannot be written
 */
export async function checkFields(
  { path }: Run,
  table: EmbeddingTable,
  fields: readonly Field[],
  onnxInput: OnnxInput,
): Promise<void> {
  for (const { name, kind, ...field } of fields) {
    const given = `format onnx: field ${excerpt(name)} of run '${path}'`;
    if (kind === "multi")
      throw new UsageError(
        `${given} is multi-valued, but the exported model has one input per field: train without --multi, or ` +
          "export the table (--onnx-part table)",
      );
    if (onnxInput === "key" && "hash" in field && field.hash)
      throw new UsageError(
        `${given} is hashed, and ONNX does not have the hash function: use --onnx-input row`,
      );
  }
  if (onnxInput === "row") return;
  for (const { name } of fields) {
    const rows = await selectRows(tableRows(table), { field: name, withWeight: false, strict: false });
    await checkHeld(rows, formatNamed("onnx"));
  }
}

/**
 * Describes a field with one key or number per cell as a network's input.
 *
 * @param of vectors (embeddings) and linear (wide) weights of the field's features
 */
export function networkField(
  field: Field,
  of: Pick<NetworkKeys, "embeddings" | "wide">,
): NetworkKeys | NetworkNumber {
  const { name } = field;
  if (field.kind === "number") {
    const { mean, deviation, log1p = false } = field;
    return { kind: "number", name, ...of, mean, deviation, log1p };
  }
  return {
    kind: "keys",
    name,
    ...of,
    keys: field.keys,
    ...(field.kind === "bins" && { edges: field.edges }),
  };
}

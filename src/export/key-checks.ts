// Keys looked at before the first byte is written: those that a format refuses, and those that would be one name for two rows.

import { DataError, excerpt } from "../errors.js";
import { isHole } from "../embedding/table.js";
import type { ExportFormat } from "./formats.js";
import { checkKeys, oneKeyBytes, type Selection } from "./selection.js";

/**
 * What is checked of keys that are written as they are; those that are replaced are `checkedWords`' own. A pass over the keys where
 * there is something to check; memory holds the keys of fields whose names begin with another's and a colon.
 *
 * @throws {DataError} a key cannot be held, or two fields have one `field:key`
 */
export async function checkHeld(
  selection: Selection,
  { keys: rule, oneKeyColumn }: Pick<ExportFormat, "keys" | "oneKeyColumn">,
): Promise<void> {
  const { fields, field, onnxInput } = selection;
  // by rows a model has no keys
  const refused = onnxInput === "row" ? undefined : rule.refused;
  const meets = (name: string, other: string) => name !== other && name.startsWith(`${other}:`);
  // of `a` and `a:b`: keys of both are looked at
  const meeting = fields.map((name) => fields.some((other) => meets(name, other) || meets(other, name)));
  const canMeet = oneKeyColumn && !rule.replaced && field === undefined && meeting.includes(true);
  if (!refused && !canMeet) return;
  const seen = new Set<string>();
  await checkKeys(selection, (batch, row) => {
    if (isHole(batch.table, row)) return;
    const key = oneKeyBytes(batch, row);
    const why = refused?.(key);
    if (why !== undefined)
      throw new DataError(
        `key ${excerpt(textOf(key))} ${why}: exclude it (select keys with --keys), or use a format that ` +
          "writes keys exactly (csv, jsonl, npy)",
      );
    if (!canMeet || !meeting[batch.table.fieldOf[row]!]) return;
    const text = textOf(key);
    if (seen.has(text))
      throw new DataError(
        `keys of two fields are both written as ${excerpt(text)}: export one field with --field, or use a ` +
          "format with a field column (csv, jsonl, arrow)",
      );
    seen.add(text);
  });
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString("utf8");
}

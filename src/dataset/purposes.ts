// Decides how each column of a log is read and which of its cells are valid, from the roles, the sample and the
// filters.

import { truthOf, parseNumber } from "../log/number.js";
import type { Log } from "../log/log.js";
import { parseTime } from "../log/time.js";
import type { Purpose } from "./collect.js";
import type { Roles } from "./dataset.js";
import { cellFormOf } from "./multi.js";
import { numericForms } from "./numeric.js";
import type { ColumnOptions } from "./roles.js";
import type { SideTable } from "./side.js";

type PurposeOptions = ColumnOptions & { beside?: readonly string[] };

/** Returns the names of the columns that a dataset contains: roles, features, and join keys of side tables. */
export function usedColumns(
  { fields, numeric, multi, multiWeights: _, positives: __, leftOut: ___, ...single }: Roles,
  sides: SideTable[],
): Set<string> {
  return new Set([
    ...Object.values(single),
    ...fields,
    ...numeric,
    ...Object.keys(multi),
    ...sides.map(({ key }) => key),
  ]);
}

/** Returns, in the log's order, each column that is read, with the type and the valid range of its cells. */
export function purposesOf(
  roles: Roles,
  log: Log,
  sides: SideTable[],
  tested: ReadonlySet<string>,
  { numeric, unlabelled, timeFormat, labelIsName, edges, beside = [] }: PurposeOptions,
): Purpose[] {
  const used = usedColumns(roles, sides);
  const forms = numericForms(numeric, roles.numeric);
  const purposes: Purpose[] = [];
  log.columns.forEach((name, column) => {
    const isTested = tested.has(name);
    const keepText = () => {
      if (beside.includes(name))
        purposes.push({ name, as: "key", role: "key", required: false, isBeside: true, keepsCase: true });
    };
    if (!used.has(name) && !isTested) {
      keepText();
      return;
    }
    const role =
      name === roles.label
        ? labelIsName
          ? "class"
          : "label"
        : name === roles.time
          ? "time"
          : name === roles.weight
            ? "weight"
            : roles.numeric.includes(name)
              ? "numeric"
              : "key";
    // if a text for missing cells is a valid time, times are read as text to recognize it
    const isTime =
      role === "time" &&
      timeFormat === undefined &&
      log.times?.has(name) === true &&
      log.nulls.every((text) => Number.isNaN(parseTime(text)));
    const numbers =
      role === "time"
        ? isTime || (timeFormat === undefined && log.sample.every((row) => isNumberOrEmpty(row[column]!)))
        : role === "label"
          ? !areTruths(log.sample.map((row) => row[column]!))
          : role !== "key" && role !== "class";
    const required =
      ["label", "class", "time", "weight"].includes(role) ||
      (unlabelled && name === roles.item) ||
      name === edges?.source ||
      name === edges?.target;
    // filters test the text of cells as in the log, so a filtered column is also read as text if it is stored in another
    // form
    const isChanged = numbers || (role === "key" && log.keyCase !== undefined);
    if (isTested && (isChanged || !used.has(name)))
      purposes.push({ name, as: "key", role: "key", required: false, keepsCase: true });
    const form = cellFormOf(name, roles);
    const isNamed = role === "label" && log.sample.every((row) => !isLabel(row[column]!));
    if (used.has(name))
      purposes.push({
        name,
        as: numbers ? "number" : "key",
        isTime: isTime ? true : undefined,
        ...{ role, required },
        keepsCase: role === "key" ? undefined : true,
        above: forms.get(name)?.kind === "log1p" ? -1 : undefined,
        range: role !== "weight" ? undefined : edges ? EDGE_WEIGHTS : { from: 0, to: Number.MAX_VALUE },
        advice: isNamed ? ADVICE_OF_NAMES : undefined,
        cells: form?.weighted ? form : undefined,
      });
    keepText();
  });
  return purposes;
}

/** Edge weights must be above 0, because an edge of weight 0 would be no edge, and in the range of f32. */
const EDGE_WEIGHTS = {
  from: 2 ** -126,
  to: (2 - 2 ** -23) * 2 ** 127,
  expected: "expected an edge weight: a positive number in the range of a 32-bit float",
};

function areTruths(cells: readonly string[]): boolean {
  const present = cells.filter((cell) => cell.trim() !== "");
  return present.length > 0 && present.every((cell) => truthOf(cell) !== undefined);
}

const ADVICE_OF_NAMES = "class names need --task multiclass; other tasks need numbers, or true and false";

function isLabel(cell: string): boolean {
  return parseNumber(cell) !== undefined || truthOf(cell) !== undefined;
}

function isNumberOrEmpty(cell: string): boolean {
  return /^\s*([-+]?\d+(\.\d*)?)?\s*$/.test(cell);
}

// What flags of `embed export` take, for the help and for reading them: without the formats' writers, which a command that
// only lists its flags need not read.

import { UsageError } from "../../errors.js";
import { dtypes, type Dtype } from "../../export/dtype.js";
import { reserveSchemes, type ReserveScheme } from "../../export/reserve.js";
import { onnxInputs, type OnnxInput } from "../../export/selection.js";

/** What an ONNX model of a run holds: its network, one of its two towers, its table. */
const onnxParts = ["network", "user", "item", "table"] as const;
export type OnnxPart = (typeof onnxParts)[number];

/** Values of `reserve`. */
export const reservations: readonly ReserveScheme[] = reserveSchemes;

/** Values of `dtype`. */
export const dtypeChoices: readonly Dtype[] = dtypes;

/** Values of `onnxInput`. */
export const onnxInputNames: readonly OnnxInput[] = onnxInputs;

/** Values of `onnxPart`. */
export const onnxPartNames: readonly OnnxPart[] = onnxParts;

/** The name of an environment variable. @throws {UsageError} it is none; what it is is not said, since it may hold a password */
export function checkVariableName(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return text;
  throw new UsageError(
    "--url-env expects the name of an environment variable that holds the URL, such as REDIS_URL, and not the URL itself",
  );
}

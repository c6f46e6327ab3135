// The words that options of `embed export` choose from, for the help: without the formats' writers, which a command that
// only lists its flags need not read.

import { dtypes, type Dtype } from "../export/dtype.js";
import { reserveSchemes, type ReserveScheme } from "../export/reserve.js";
import { onnxInputs, type OnnxInput } from "../export/selection.js";

/** What an ONNX model of a network's run holds. */
const onnxParts = ["network", "table"] as const;
export type OnnxPart = (typeof onnxParts)[number];

/** Values of `reserve`. */
export const reservations: readonly ReserveScheme[] = reserveSchemes;

/** Values of `dtype`. */
export const dtypeChoices: readonly Dtype[] = dtypes;

/** Values of `onnxInput`. */
export const onnxInputNames: readonly OnnxInput[] = onnxInputs;

/** Values of `onnxPart`. */
export const onnxPartNames: readonly OnnxPart[] = onnxParts;

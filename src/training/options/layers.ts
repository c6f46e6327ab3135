// Options that take the sizes of dense layers, such as 256,128.

import { wholeOf, type Parsed } from "./table.js";

/** Maximum number of layers, and maximum number of outputs per layer. */
const MAX_LAYERS = 16;
const MAX_UNITS = 8192;

/** Returns the parser and the check of layer sizes. @param orNone true to accept `none`, which denotes no layers */
export function layerSizes({ orNone = false }: { orNone?: boolean } = {}): Pick<
  Parsed<readonly number[]>,
  "parse" | "complaint" | "texts"
> & { type: string } {
  const isSize = (n: number) => Number.isInteger(n) && n >= 1 && n <= MAX_UNITS;
  return {
    type: "number | string | readonly number[]",
    parse: (given, flagName) =>
      orNone && given === "none" ? [] : given.split(",").map((part) => wholeOf(part, flagName, 1)),
    texts: (sizes) => [sizes.length === 0 ? "none" : sizes.join(",")],
    complaint(sizes) {
      const isRight =
        Array.isArray(sizes) &&
        (sizes.length > 0 || orNone) &&
        sizes.length <= MAX_LAYERS &&
        sizes.every(isSize);
      if (isRight) return undefined;
      return `1 to ${MAX_LAYERS} sizes from 1 to ${MAX_UNITS}, such as 256,128${orNone ? ", or none" : ""}`;
    },
  };
}

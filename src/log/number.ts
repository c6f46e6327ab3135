// The number syntax of cells: decimal and scientific. The kernel parses the common ones itself (kernels/scan/assembly/main.ts) and
// leaves the rest to this.

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The finite number that a cell states; NaN for an empty one; undefined for anything else (hex, Infinity, NaN, words). */
export function parseNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return NaN;
  if (!DECIMAL.test(trimmed)) return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : undefined;
}

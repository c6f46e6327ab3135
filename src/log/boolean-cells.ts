// Cells that state yes or no, as programs write booleans: pandas True, DuckDB and JSON true, PostgreSQL t, surveys yes and y.

const TRUTHS: Readonly<Record<string, 0 | 1>> = {
  ...{ true: 1, t: 1, yes: 1, y: 1 },
  ...{ false: 0, f: 0, no: 0, n: 0 },
};

/** 1 for true, t, yes and y in any case, 0 for false, f, no and n; undefined for anything else. */
export function truthOf(text: string): 0 | 1 | undefined {
  const word = text.trim().toLowerCase();
  return Object.hasOwn(TRUTHS, word) ? TRUTHS[word] : undefined;
}

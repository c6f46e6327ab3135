/** Returns the cells of a csv without quotes, without its header. */
export function csvRows(csv: string): string[][] {
  return csv
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));
}

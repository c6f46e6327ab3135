// Numbers as people read them.

/** A whole number with its thousands apart. */
export function whole(value: number): string {
  return value.toLocaleString("en");
}

/** A share as per cent. */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** Four significant digits at most; nothing for what is no number. */
export function short(value: number | null | undefined): string {
  if (value === undefined || value === null || !Number.isFinite(value)) return value === undefined ? "" : "–";
  if (Number.isInteger(value)) return whole(value);
  const size = Math.abs(value);
  return size >= 0.001 && size < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

/** A count with what it counts: `1 row`, `1,204 rows`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

/** A time as a date in UTC: `2013-07-31 00:12:44 UTC`; as a number where no calendar has it. @param ms since 1970 */
export function instant(ms: number): string {
  const time = new Date(ms);
  if (Number.isNaN(time.getTime())) return `${ms.toExponential(2)} ms`;
  return `${time.toISOString().slice(0, -5).replace("T", " ")} UTC`;
}

/** The value below which a share of sorted numbers lies. @param sorted ascending, at least one */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))]!;
}

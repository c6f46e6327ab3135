// Places names on a map: those of the most frequent keys for which there is room without overlap.

/** A dot and its name, in units of the plot. */
export interface Named {
  x: number;
  y: number;
  text: string;
}

/** A name with its position: left or right of the dot, vertically centered at `y`. */
export interface PlacedName extends Named {
  anchor: "start" | "end";
}

/** Height of a line including spacing, and upper estimate of a character's width, for a font of 11 units. */
const LINE = 20;
const CHARACTER = 6.6;
/** Wide characters, such as Chinese, Japanese and Korean ones. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]|[\u{1f300}-\u{1faff}]/u;
/** Space between a dot and its name. */
const GAP = 8;

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/**
 * Places names one after another, to the right or left of their dots, and omits those without room.
 *
 * @param named the most important first
 * @param most most names to place
 */
export function placedNames(
  named: readonly Named[],
  { width, height }: { width: number; height: number },
  most: number,
): PlacedName[] {
  const placed: PlacedName[] = [];
  const taken: Box[] = [];
  for (const { x, y, text } of named) {
    if (placed.length === most) break;
    if (text === "") continue;
    for (const anchor of ["start", "end"] as const) {
      const box = boxOf(x, y, text, anchor);
      const inside = box.left >= 2 && box.right <= width - 2 && box.top >= 2 && box.bottom <= height - 2;
      if (!inside || taken.some((other) => overlap(box, other))) continue;
      taken.push(box);
      placed.push({ x: anchor === "start" ? x + GAP : x - GAP, y, text, anchor });
      break;
    }
  }
  return placed;
}

function boxOf(x: number, y: number, text: string, anchor: PlacedName["anchor"]): Box {
  const length = Array.from(text).reduce((sum, each) => sum + (WIDE.test(each) ? 2 : 1) * CHARACTER, 0);
  const left = anchor === "start" ? x - GAP : x - GAP - length;
  // the box includes the dot, so that no other name covers it
  return { left, right: left + length + 2 * GAP, top: y - LINE / 2, bottom: y + LINE / 2 };
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

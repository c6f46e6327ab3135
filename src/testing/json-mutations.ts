// Replaces each part of a JSON text by values of other types, as a damaged or crafted file might contain them.

/** A changed JSON text. */
export interface JsonMutation {
  /** position of the change, and what stands there now */
  what: string;
  json: string;
}

/** Values at which a program fails if it converts, joins or reads members of what it has not checked. */
const HOSTILE: readonly [what: string, value: unknown][] = [
  ["an object with toString", { toString: 1 }],
  ["an object with __proto__", JSON.parse('{ "__proto__": { "toString": 1 } }')],
  ["a list of objects with toString", [{ toString: 1 }]],
  ["an empty list", []],
  ["null", null],
  ["a huge number", 1e308],
  ["an empty text", ""],
];

/** Number of elements of a list that are replaced; further ones are like these. */
const MOST_ELEMENTS = 2;

/** Yields the mutations of a JSON text: each part in turn is replaced by each hostile value, or gets hostile members. */
export function* jsonMutations(text: string): Generator<JsonMutation> {
  const whole: unknown = JSON.parse(text);
  for (const position of positionsIn(whole)) {
    const at = position.length === 0 ? "the whole" : position.join(".");
    const changed = (by: (part: unknown) => unknown) => JSON.stringify(withReplaced(whole, position, by));
    for (const [what, hostile] of HOSTILE) yield { what: `${at}: ${what}`, json: changed(() => hostile) };
    yield { what: `${at}: members toString and __proto__`, json: changed(withHostileMembers) };
  }
}

function positionsIn(part: unknown): string[][] {
  if (typeof part !== "object" || part === null) return [[]];
  const entries = Object.entries(part);
  const tried = Array.isArray(part) ? entries.slice(0, MOST_ELEMENTS) : entries;
  return [[], ...tried.flatMap(([name, inner]) => positionsIn(inner).map((rest) => [name, ...rest]))];
}

function withReplaced(
  part: unknown,
  [name, ...rest]: readonly string[],
  by: (part: unknown) => unknown,
): unknown {
  if (name === undefined) return by(part);
  const entries = Object.entries(part as object).map(([member, inner]): [string, unknown] =>
    member === name ? [member, withReplaced(inner, rest, by)] : [member, inner],
  );
  return Array.isArray(part) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

function withHostileMembers(part: unknown): unknown {
  if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
  return Object.fromEntries([["__proto__", { toString: 1 }], ...Object.entries(part), ["toString", 1]]);
}

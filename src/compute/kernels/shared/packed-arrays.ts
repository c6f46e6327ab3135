// Joins the arrays of an object, at any depth, to one array of u32, which a store can hold and a kernel's memory can
// take whole.

type Numbers = Uint32Array | Float32Array;

/** Each array starts at a multiple of this many u32 numbers, because arrays in a kernel's memory are 64-byte aligned. */
const ALIGNED = 16;

/** The arrays of an object as one array. */
export interface PackedArrays<T> {
  numbers: Uint32Array;
  /** Returns the object, whose arrays are views of `numbers`: the packed numbers or a copy of them. */
  unpack: (numbers: Uint32Array) => T;
}

class Place {
  constructor(
    readonly from: number,
    readonly length: number,
    readonly isFloat: boolean,
  ) {}

  viewOf({ buffer, byteOffset }: Uint32Array): Numbers {
    const at = byteOffset + 4 * this.from;
    return this.isFloat
      ? new Float32Array(buffer, at, this.length)
      : new Uint32Array(buffer, at, this.length);
  }
}

/** Copies the arrays of an object into one array. An array that the object contains several times is copied once. */
export function packArrays<T extends object>(value: T): PackedArrays<T> {
  const places = new Map<Numbers, Place>();
  let end = 0;
  const form = replaced(value, (part) => {
    if (!(part instanceof Uint32Array || part instanceof Float32Array)) return undefined;
    let place = places.get(part);
    if (!place) {
      place = new Place(end, part.length, part instanceof Float32Array);
      places.set(part, place);
      end += ALIGNED * Math.ceil(part.length / ALIGNED);
    }
    return place;
  });
  const numbers = new Uint32Array(end);
  for (const [array, { from }] of places)
    numbers.set(new Uint32Array(array.buffer, array.byteOffset, array.length), from);
  const unpack = (all: Uint32Array) =>
    replaced(form, (part) => (part instanceof Place ? part.viewOf(all) : undefined)) as T;
  return { numbers, unpack };
}

/** Returns a copy of a nested object with parts replaced wherever `replace` returns something. */
function replaced(part: unknown, replace: (part: unknown) => unknown): unknown {
  const other = replace(part);
  if (other !== undefined || typeof part !== "object" || part === null) return other ?? part;
  if (Array.isArray(part)) return part.map((each) => replaced(each, replace));
  return Object.fromEntries(Object.entries(part).map(([name, each]) => [name, replaced(each, replace)]));
}

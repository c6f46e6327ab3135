// Changes the files of a run as an attacker might: the checksums are correct, but the contents are not.

import { readSafetensors, safetensorsChunks, type Tensor } from "../table/safetensors.js";
import { integerBelow, pick, type Random } from "../testing/random.js";

const numbers = [-1, 0, 0.5, 3, 255, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 40, 2 ** 53, 1e300];
const words = ["", "x", "__proto__", "constructor", "../../x", "-1", "1e9", "4294967295", "NaN", "\u0000"];

/** Returns the bytes of a file with random changes. */
export function craftedFile(name: string, bytes: Uint8Array, random: Random): Uint8Array {
  const at = random();
  if (at < 0.04) return bytes.slice(0, integerBelow(bytes.length + 1, random));
  if (at < 0.06) return Buffer.from("[".repeat(200_000) + "]".repeat(200_000));
  if (at < 0.12) return withHostileWords(bytes, random);
  try {
    if (name.endsWith(".json")) return Buffer.from(JSON.stringify(craftedJson(parse(bytes), random)));
    if (name.endsWith(".jsonl")) return craftedLines(bytes, random);
    if (name.endsWith(".safetensors") || name.endsWith(".checkpoint")) return craftedTensors(bytes, random);
    if (name.endsWith(".txt")) return craftedText(bytes, random);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return withHostileWords(bytes, random);
}

function parse(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString("utf8"));
}

function hostileValue(random: Random): unknown {
  switch (integerBelow(6, random)) {
    case 0:
      return pick([null, true, [], {}, [[]], [null], { length: 2 ** 31 }], random);
    case 1:
      return pick(words, random);
    case 2:
      return Array.from({ length: integerBelow(2000, random) }, () => 0);
    default:
      return pick(numbers, random);
  }
}

/** Returns the JSON value with a random part replaced, removed or duplicated. */
function craftedJson(value: unknown, random: Random): unknown {
  const isDeep = typeof value === "object" && value !== null && Object.keys(value).length > 0;
  if (!isDeep || random() < 0.05) return hostileValue(random);
  if (Array.isArray(value)) {
    const list: unknown[] = [...value];
    const at = integerBelow(list.length, random);
    const how = random();
    if (how < 0.1) list.splice(at, 1);
    else if (how < 0.2) list.push(list[at]);
    else list[at] = craftedJson(list[at], random);
    return list;
  }
  const entries = Object.entries(value);
  const at = integerBelow(entries.length, random);
  const how = random();
  if (how < 0.08) entries.splice(at, 1);
  else if (how < 0.12) entries.push([pick(words, random), entries[at]![1]]);
  else entries[at]![1] = craftedJson(entries[at]![1], random);
  return Object.fromEntries(entries);
}

function craftedLines(bytes: Uint8Array, random: Random): Uint8Array {
  const lines = Buffer.from(bytes).toString("utf8").split("\n");
  const at = integerBelow(Math.max(1, lines.length - 1), random);
  const how = random();
  if (how < 0.1) lines.splice(at, 1);
  else if (how < 0.2) lines.push(lines[at]!);
  else lines[at] = JSON.stringify(craftedJson(JSON.parse(lines[at]!), random));
  return Buffer.from(lines.join("\n"));
}

/** Changes a text model or a list of words: replaces a word, or removes or duplicates a line. */
function craftedText(bytes: Uint8Array, random: Random): Uint8Array {
  const lines = Buffer.from(bytes).toString("utf8").split("\n");
  const at = integerBelow(lines.length, random);
  const how = random();
  if (how < 0.1) lines.splice(at, 1);
  else if (how < 0.2) lines.splice(at, 0, lines[at]!);
  else {
    const parts = lines[at]!.split(/([ =:])/);
    parts[integerBelow(parts.length, random)] = String(pick<number | string>([...numbers, ...words], random));
    lines[at] = parts.join("");
  }
  return Buffer.from(lines.join("\n"));
}

/** Overwrites up to eight aligned 32-bit words by numbers that are invalid as offsets and lengths. */
function withHostileWords(bytes: Uint8Array, random: Random): Uint8Array {
  const changed = Uint8Array.from(bytes);
  const view = new DataView(changed.buffer);
  for (let n = 1 + integerBelow(8, random); n > 0 && changed.length >= 4; n--) {
    const at = 4 * integerBelow(Math.floor(changed.length / 4), random);
    view.setUint32(at, pick([0, 1, 7, 255, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1], random), true);
  }
  return changed;
}

/** Changes one tensor of a file: removes or renames it, or changes its length, its numbers or its description. */
function craftedTensors(bytes: Uint8Array, random: Random): Uint8Array {
  const tensors = readSafetensors(bytes, "crafted");
  if (tensors.size === 0 || random() < 0.25) return craftedHeader(bytes, random);
  const name = pick([...tensors.keys()], random);
  const tensor = tensors.get(name)!;
  const how = random();
  if (how < 0.1) tensors.delete(name);
  else if (how < 0.35) tensors.set(name, resized(tensor, random));
  else if (how < 0.5) tensors.set(name, { ...tensor, shape: tensor.shape.toReversed() });
  else if (how < 0.6 && name === "standing") {
    const data = Uint8Array.from(
      Buffer.from(JSON.stringify(craftedJson(parse(tensor.data as Uint8Array), random))),
    );
    tensors.set(name, { shape: [data.length], data });
  } else fill(tensor, random);
  return Buffer.concat([...safetensorsChunks(tensors)]);
}

function resized({ shape, data }: Tensor, random: Random): Tensor {
  const length = pick([0, 1, Math.floor(data.length / 2), data.length + 1, 2 * data.length], random);
  const other = new (data.constructor as new (length: number) => Tensor["data"])(length);
  for (let i = 0; i < Math.min(length, data.length); i++) other[i] = data[i]!;
  const rest = shape.slice(1).reduce((product, n) => product * n, 1);
  return {
    shape: rest > 0 && length % rest === 0 ? [length / rest, ...shape.slice(1)] : [length],
    data: other,
  };
}

function fill({ data }: Tensor, random: Random): void {
  const at = integerBelow(data.length + 1, random);
  const [from, to] = random() < 0.5 ? [at, at + 1] : [0, data.length];
  if (data instanceof BigInt64Array) data.fill(pick([-1n, 2n ** 62n, -(2n ** 63n), 0n], random), from, to);
  else data.fill(pick([...numbers, NaN, Infinity, -Infinity], random), from, to);
}

/** Returns the bytes of a file in which only the header is changed. */
function craftedHeader(bytes: Uint8Array, random: Random): Uint8Array {
  const view = Buffer.from(bytes);
  const length = Number(view.readBigUInt64LE(0));
  const header = Buffer.from(
    JSON.stringify(craftedJson(JSON.parse(view.toString("utf8", 8, 8 + length)), random)),
  );
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([prefix, header, view.subarray(8 + length)]);
}

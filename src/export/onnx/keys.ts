// A key finds its row: ai.onnx.ml's LabelEncoder, `keys_strings` and `values_int64s` side by side, `default_int64` for all others.

import { intAttribute, intsAttribute, node, stringsAttribute } from "./model.js";
import { repeatedField, varint, varintLength, type Piece } from "./protobuf.js";

/** Keys and their rows. */
export interface KeyRows {
  size: number;
  /** UTF-8 of key i, in [0, size) */
  key: (i: number) => Uint8Array;
  /** its row */
  row: (i: number) => number;
  /** the row of the empty key */
  padding: number;
  /** the row of all others */
  unknown: number;
}

/** The node from the keys `input`, string[N], to the rows `output`, int64[N]. */
export function keysToRows(input: string, output: string, { size, padding, unknown, ...of }: KeyRows): Piece {
  // the empty key stands last
  const key = (i: number): Uint8Array => (i < size ? of.key(i) : new Uint8Array());
  const row = (i: number): number => (i < size ? of.row(i) : padding);
  const keys = repeatedField(
    9,
    size + 1,
    (out, i) => {
      for (const byte of varint(key(i).length)) out.byte(byte);
      out.bytes(key(i));
    },
    { lengthOf: (i) => varintLength(key(i).length) + key(i).length },
  );
  const rows = repeatedField(
    8,
    size + 1,
    (out, i) => {
      for (const byte of varint(row(i))) out.byte(byte);
    },
    { lengthOf: (i) => varintLength(row(i)), isVarint: true },
  );
  const attributes = [
    stringsAttribute("keys_strings", keys),
    intsAttribute("values_int64s", rows),
    intAttribute("default_int64", unknown),
  ];
  return node("LabelEncoder", [input], [output], attributes, "ai.onnx.ml");
}

// Writes Protocol Buffers' wire format. The length of a message is known before its bytes are created, so that files
// can be streamed.
//
// A field is a tag, (number << 3) | wire type, followed by its value: a varint for wire type 0, a length and as many
// bytes for wire type 2. Source: https://protobuf.dev/programming-guides/encoding.

import { ByteWriter } from "../files/byte-writer.js";

/** A part of a protobuf message: its number of bytes, and a function that yields them in chunks. */
export interface MessagePiece {
  length: number;
  chunks: () => Iterable<Uint8Array>;
}

const [VARINT, DELIMITED] = [0, 2];
const encoder = new TextEncoder();

/** Returns a protobuf field that contains an int32, an int64 or an enumeration value, from 0 to 2^53. */
export function varintField(number: number, value: number): MessagePiece {
  return bytesPiece([...varint((number << 3) | VARINT), ...varint(value)]);
}

/** Returns a protobuf field that contains a string. */
export function textField(number: number, text: string): MessagePiece {
  return delimitedField(number, bytesPiece(encoder.encode(text)));
}

/** Returns a protobuf field that contains existing bytes, which may be a view. */
export function bytesField(number: number, bytes: Uint8Array): MessagePiece {
  return delimitedField(number, { length: bytes.length, chunks: () => [bytes] });
}

/** Returns a protobuf field that contains a message, which consists of the given fields in the given order. */
export function messageField(number: number, fields: readonly MessagePiece[]): MessagePiece {
  return delimitedField(number, concatenated(fields));
}

/** Concatenates parts of a protobuf message. */
export function concatenated(pieces: readonly MessagePiece[]): MessagePiece {
  return {
    length: pieces.reduce((sum, { length }) => sum + length, 0),
    *chunks() {
      for (const { chunks } of pieces) yield* chunks();
    },
  };
}

/**
 * Returns a repeated field of many short values, which are created during writing.
 *
 * @param write writes value i without its tag
 * @param lengthOf returns the number of bytes of value i
 */
export function repeatedField(
  number: number,
  count: number,
  write: (out: ByteWriter, i: number) => void,
  { lengthOf, isVarint = false }: { lengthOf: (i: number) => number; isVarint?: boolean },
): MessagePiece {
  const tag = varint((number << 3) | (isVarint ? VARINT : DELIMITED));
  let length = count * tag.length;
  for (let i = 0; i < count; i++) length += lengthOf(i);
  return {
    length,
    *chunks() {
      const out = new ByteWriter();
      for (let i = 0; i < count; i++) {
        for (const byte of tag) out.byte(byte);
        write(out, i);
        if (out.isFull) yield out.take();
      }
      yield out.take();
    },
  };
}

/** Encodes an integer from 0 to 2^53 as a varint: seven bits per byte, lowest bits first. */
export function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}

/** Returns the number of bytes of a varint. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

function delimitedField(number: number, value: MessagePiece): MessagePiece {
  const head = bytesPiece([...varint((number << 3) | DELIMITED), ...varint(value.length)]);
  return concatenated([head, value]);
}

function bytesPiece(bytes: ArrayLike<number>): MessagePiece {
  const taken = Uint8Array.from(bytes);
  return { length: taken.length, chunks: () => [taken] };
}

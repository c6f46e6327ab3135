// Writes the messages of an ONNX model: nodes, attributes, tensors, inputs and outputs.
//
// Comments state the name of each field number, as in https://github.com/onnx/onnx/blob/v1.16.0/onnx/onnx.proto3. The
// versions are fixed, so that files stay readable as long as runtimes support them: IR 8, operators of ai.onnx 17 and
// ai.onnx.ml 3, which onnxruntime supports since 1.12 (2022). A graph that needs a later operator declares it: ai.onnx
// 18 is supported since 1.14 (2023).

import { DataError, sizeText } from "../../base/errors.js";
import { ByteWriter } from "../files/byte-writer.js";

// Writes Protocol Buffers' wire format. The length of a message is known before its bytes are created, so that files
// can be streamed.
//
// A field is a tag, (number << 3) | wire type, followed by its value: a varint for wire type 0, a length and as many
// bytes for wire type 2. Source: https://protobuf.dev/programming-guides/encoding.

/** A part of a protobuf message: its number of bytes, and a function that yields them in chunks. */
export interface MessagePiece {
  length: number;
  chunks: () => Iterable<Uint8Array>;
}

const [VARINT, DELIMITED] = [0, 2];
const encoder = new TextEncoder();

/** Returns a protobuf field that contains an int32, an int64 or an enumeration value, from 0 to 2^53. */
function varintField(number: number, value: number): MessagePiece {
  return bytesPiece([...varint((number << 3) | VARINT), ...varint(value)]);
}

function textField(number: number, text: string): MessagePiece {
  return delimitedField(number, bytesPiece(encoder.encode(text)));
}

/** Returns a protobuf field that contains existing bytes, which may be a view. */
function bytesField(number: number, bytes: Uint8Array): MessagePiece {
  return delimitedField(number, { length: bytes.length, chunks: () => [bytes] });
}

function messageField(number: number, fields: readonly MessagePiece[]): MessagePiece {
  return delimitedField(number, concatenated(fields));
}

function concatenated(pieces: readonly MessagePiece[]): MessagePiece {
  return {
    length: pieces.reduce((sum, { length }) => sum + length, 0),
    *chunks() {
      for (const { chunks } of pieces) yield* chunks();
    },
  };
}

/** @param write writes value i without its tag @param lengthOf returns the number of bytes of value i */
function repeatedField(
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
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}

function varintLength(value: number): number {
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

const IR_VERSION = 8;
const OPSET = 17;
const ML_OPSET = 3;

/** Maximum number of bytes of a protobuf message. */
const MAX_BYTES = 0x7fffffff;

/** Numbers of the element types of a tensor, from the enumeration TensorProto.DataType. */
export const ELEMENT = { float: 1, int64: 7, string: 8, double: 11, uint32: 12 } as const;

/** An axis of an array: its size, or a name if the size is known only at run time. */
export type Axis = number | string;

export interface Port {
  name: string;
  element: keyof typeof ELEMENT;
  shape: readonly Axis[];
  doc?: string;
}

/** The contents of an ONNX graph; the bytes of its nodes and initializers are created when the file is written. */
export interface OnnxGraph {
  nodes: MessagePiece[];
  initializers: MessagePiece[];
  inputs: Port[];
  outputs: Port[];
  /** version of the operator set ai.onnx; 17 when absent */
  opset?: number;
}

/** @throws {DataError} the model would exceed the 2 GiB of a protobuf message */
export function modelChunks({
  nodes,
  initializers,
  inputs,
  outputs,
  opset = OPSET,
}: OnnxGraph): Iterable<Uint8Array> {
  const graph = [
    ...nodes, // field GraphProto.node
    textField(2, "embed"), // field GraphProto.name
    ...initializers, // field GraphProto.initializer
    ...inputs.map((port) => portField(11, port)), // field GraphProto.input
    ...outputs.map((port) => portField(12, port)), // field GraphProto.output
  ];
  const model = concatenated([
    varintField(1, IR_VERSION), // field ModelProto.ir_version
    textField(2, "embed-tables"), // field ModelProto.producer_name
    messageField(7, graph), // field ModelProto.graph
    // each ModelProto.opset_import is an OperatorSetIdProto: the domain (field 1) and version (field 2) of an operator
    // set
    messageField(8, [textField(1, ""), varintField(2, opset)]),
    messageField(8, [textField(1, "ai.onnx.ml"), varintField(2, ML_OPSET)]),
  ]);
  if (model.length > MAX_BYTES) {
    throw new DataError(
      `ONNX files are limited to 2 GiB, this one needs ${sizeText(model.length)}: export one field ` +
        "(--field), or fewer rows (--top-count, --keys)",
    );
  }
  return model.chunks();
}

/** An operation of an ONNX graph. @param domain empty for ai.onnx */
export function node(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly MessagePiece[] = [],
  domain = "",
): MessagePiece {
  return messageField(1, [
    ...inputs.map((name) => textField(1, name)), // field NodeProto.input
    ...outputs.map((name) => textField(2, name)), // field NodeProto.output
    textField(4, opType), // field NodeProto.op_type
    ...attributes, // field NodeProto.attribute
    ...(domain === "" ? [] : [textField(7, domain)]), // field NodeProto.domain
  ]);
}

/** Returns an AttributeProto: name (field 1), a field with the value, type INT, INTS or STRINGS (field 20). */
const attribute = (name: string, value: MessagePiece, type: number): MessagePiece =>
  messageField(5, [textField(1, name), value, varintField(20, type)]);

/** Returns an attribute with an integer that is not negative. */
export const intAttribute = (name: string, value: number): MessagePiece =>
  attribute(name, varintField(3, value), 2);

/** Returns an attribute with several integers; `values` repeats field 8, AttributeProto.ints. */
const intsAttribute = (name: string, values: MessagePiece): MessagePiece => attribute(name, values, 7);

/** Returns an attribute with several texts; `values` repeats field 9, AttributeProto.strings. */
const stringsAttribute = (name: string, values: MessagePiece): MessagePiece => attribute(name, values, 8);

export type TensorValues = Float32Array | Float64Array | Uint32Array | BigInt64Array;

/** Returns an initializer whose element type is that of the array; the array may be a view, because it is streamed. */
export function tensor(name: string, shape: readonly number[], values: TensorValues): MessagePiece {
  return messageField(5, [
    ...shape.map((size) => varintField(1, size)), // field TensorProto.dims
    varintField(2, ELEMENT[elementOf(values)]), // field TensorProto.data_type
    textField(8, name), // field TensorProto.name
    // field TensorProto.raw_data, little-endian
    bytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  ]);
}

function elementOf(values: TensorValues): keyof typeof ELEMENT {
  if (values instanceof Float32Array) return "float";
  if (values instanceof Float64Array) return "double";
  return values instanceof Uint32Array ? "uint32" : "int64";
}

/** Returns a ValueInfoProto: name of an input or output (field 1), type and shape (2), description (3). */
function portField(number: number, { name, element, shape, doc }: Port): MessagePiece {
  const axes = shape.map((axis) =>
    // an axis is a TensorShapeProto.dim: its size (field 1), or the name of a size that is known at run time (field 2)
    messageField(1, [typeof axis === "number" ? varintField(1, axis) : textField(2, axis)]),
  );
  const tensor = messageField(1, [varintField(1, ELEMENT[element]), messageField(2, axes)]);
  return messageField(number, [
    textField(1, name),
    messageField(2, [tensor]),
    ...(doc === undefined ? [] : [textField(3, doc)]),
  ]);
}

interface KeyRows {
  size: number;
  /** key i as UTF-8, for i in [0, size) */
  key: (i: number) => Uint8Array;
  row: (i: number) => number;
  padding: number;
  /** row number of all keys that are not listed */
  unknown: number;
}

/**
 * Returns a node that maps keys, the string[N] `input`, to rows, the int64[N] `output`. It is a LabelEncoder of
 * ai.onnx.ml, with `keys_strings` and `values_int64s` in the same order, and `default_int64` for all other keys.
 */
export function keysToRows(
  input: string,
  output: string,
  { size, padding, unknown, ...of }: KeyRows,
): MessagePiece {
  // lists the empty key after all other keys
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

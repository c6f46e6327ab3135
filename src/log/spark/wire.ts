// Encodes and decodes small messages in Protocol Buffers' wire format, by a table of fields. Unknown fields are
// skipped.
//
// Source: https://protobuf.dev/programming-guides/encoding.

/** The type of a field: a scalar, a message, or a map of texts. `int` is an int32, int64 or enumeration to 2^53. */
export type FieldType = "text" | "bytes" | "int" | "bool" | "double" | "texts" | MessageShape;

export interface WireField {
  number: number;
  type: FieldType | (() => MessageShape);
  repeated?: true;
}

/** The fields of a message, by name in camel case. */
export interface MessageShape {
  /** full name of the message in the .proto file */
  message: string;
  fields: Readonly<Record<string, WireField>>;
}

/** A message as an object; absent fields are undefined. */
export type Message = Readonly<Record<string, unknown>>;

const [VARINT, FIXED64, DELIMITED, FIXED32] = [0, 1, 2, 5];

/** Encodes a message. @throws {Error} a field of the message is not in the table */
export function encode(shape: MessageShape, message: Message): Buffer {
  const chunks: Uint8Array[] = [];
  const put = (number: number, wire: number) => chunks.push(varint(number * 8 + wire));
  const delimited = (number: number, bytes: Uint8Array): void => {
    put(number, DELIMITED);
    chunks.push(varint(bytes.length), bytes);
  };
  for (const [name, value] of Object.entries(message)) {
    const field = shape.fields[name];
    if (!field) throw new Error(`${shape.message} has no field ${name}`);
    if (value === undefined) continue;
    const type = typeOf(field);
    for (const one of field.repeated ? (value as unknown[]) : [value]) {
      if (type === "text") delimited(field.number, Buffer.from(one as string, "utf8"));
      else if (type === "bytes") delimited(field.number, one as Uint8Array);
      else if (type === "int" || type === "bool") {
        put(field.number, VARINT);
        chunks.push(varint(Number(one)));
      } else if (type === "double") {
        put(field.number, FIXED64);
        const bytes = Buffer.alloc(8);
        bytes.writeDoubleLE(one as number);
        chunks.push(bytes);
      } else if (type === "texts") {
        for (const [key, text] of Object.entries(one as Record<string, string>))
          delimited(field.number, encode(ENTRY, { key, value: text }));
      } else delimited(field.number, encode(type, one as Message));
    }
  }
  return Buffer.concat(chunks);
}

/** Decodes a message; byte fields are views of the input. @throws {Error} the bytes are invalid */
export function decode(shape: MessageShape, bytes: Uint8Array): Message {
  const byNumber = byNumberOf(shape);
  const message: Record<string, unknown> = {};
  let at = 0;
  const next = (): number => {
    let [value, scale] = [0, 1];
    for (let i = 0; i < 10; i++) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      // ten-byte varints encode negative numbers, which do not occur here
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return value;
    }
    throw new Error(`${shape.message} ends within a number`);
  };
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new Error(`${shape.message} ends within a field`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = next();
    const [number, wire] = [Math.floor(tag / 8), tag % 8];
    const content =
      wire === VARINT
        ? next()
        : wire === DELIMITED
          ? take(next())
          : wire === FIXED64
            ? take(8)
            : wire === FIXED32
              ? take(4)
              : undefined;
    if (content === undefined) throw new Error(`${shape.message} has a field of wire type ${wire}`);
    const found = byNumber.get(number);
    if (!found) continue;
    const [name, field] = found;
    const type = typeOf(field);
    const isNumber = type === "int" || type === "bool";
    const isDouble = type === "double";
    if (isNumber !== (typeof content === "number") || wire === FIXED32 || isDouble !== (wire === FIXED64))
      throw new Error(`${shape.message}.${name} has wire type ${wire}`);
    const value = decodedValue(type, content);
    if (type === "texts") message[name] = { ...(message[name] as object), ...(value as object) };
    else if (field.repeated) ((message[name] ??= []) as unknown[]).push(value);
    else message[name] = value;
  }
  return message;
}

function decodedValue(type: FieldType, content: number | Uint8Array): unknown {
  if (typeof content === "number") return type === "bool" ? content !== 0 : content;
  if (type === "bytes") return content;
  if (type === "double") return new DataView(content.buffer, content.byteOffset, 8).getFloat64(0, true);
  if (type === "text")
    return Buffer.from(content.buffer, content.byteOffset, content.length).toString("utf8");
  if (type === "texts") {
    const { key = "", value = "" } = decode(ENTRY, content) as { key?: string; value?: string };
    return { [key]: value };
  }
  return decode(type as MessageShape, content);
}

const ENTRY: MessageShape = {
  message: "an entry of a map",
  fields: { key: { number: 1, type: "text" }, value: { number: 2, type: "text" } },
};

function typeOf({ type }: WireField): FieldType {
  return typeof type === "function" ? type() : type;
}

const tables = new WeakMap<MessageShape, Map<number, [string, WireField]>>();

function byNumberOf(shape: MessageShape): Map<number, [string, WireField]> {
  let table = tables.get(shape);
  if (!table) {
    table = new Map(Object.entries(shape.fields).map(([name, field]) => [field.number, [name, field]]));
    tables.set(shape, table);
  }
  return table;
}

/** Encodes an integer from 0 to 2^53 as a varint: seven bits per byte, lowest bits first. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

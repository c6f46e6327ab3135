// The field numbers in log/spark/messages.ts agree with the Protocol Buffers descriptors in Spark's Python package.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { roots } from "../log/spark/messages.js";
import { decode, type FieldType, type MessageShape } from "../log/spark/wire.js";
import { sparkFolder } from "../testing/spark.js";

/** The fields of google/protobuf/descriptor.proto that this test needs. */
const field: MessageShape = {
  message: "FieldDescriptorProto",
  fields: {
    name: { number: 1, type: "text" },
    number: { number: 3, type: "int" },
    label: { number: 4, type: "int" },
    type: { number: 5, type: "int" },
    typeName: { number: 6, type: "text" },
  },
};
const message: MessageShape = {
  message: "DescriptorProto",
  fields: {
    name: { number: 1, type: "text" },
    field: { number: 2, type: field, repeated: true },
    nested: { number: 3, type: () => message, repeated: true },
  },
};
const file: MessageShape = {
  message: "FileDescriptorProto",
  fields: { package: { number: 2, type: "text" }, message: { number: 4, type: message, repeated: true } },
};

interface FieldOf {
  name: string;
  number: number;
  label: number;
  type: number;
  typeName?: string;
}
interface MessageOf {
  name: string;
  field?: FieldOf[];
  nested?: MessageOf[];
}

/** Parses a Python bytes literal, `b'...'` or `b"..."`. */
function bytesOf(literal: string): Buffer {
  const codes: Record<string, number> = { n: 10, r: 13, t: 9, "\\": 92, "'": 39, '"': 34 };
  const parts = literal.slice(2, -1).matchAll(/\\x([0-9a-f]{2})|\\(.)|([^\\])/gs);
  return Buffer.from(
    [...parts].map(([, hex, escape, plain]) =>
      hex !== undefined
        ? Number.parseInt(hex, 16)
        : escape !== undefined
          ? codes[escape]!
          : plain!.charCodeAt(0),
    ),
  );
}

/** Returns the descriptors of all Protocol Buffers messages in Spark's Python package, by the messages' full names. */
function messagesOf(folder: string): Map<string, MessageOf> {
  const proto = join(folder, "sql/connect/proto");
  const found = new Map<string, MessageOf>();
  const add = (path: string, one: MessageOf): void => {
    const name = `${path}.${one.name}`;
    found.set(name, one);
    for (const inner of one.nested ?? []) add(name, inner);
  };
  for (const name of readdirSync(proto).filter((one) => one.endsWith("_pb2.py"))) {
    const literal = /AddSerializedFile\(\s*(b(['"])[\s\S]*?[^\\]\2)\s*\)/.exec(
      readFileSync(join(proto, name), "utf8"),
    );
    const { package: root, message: all = [] } = decode(file, bytesOf(literal![1]!)) as unknown as {
      package: string;
      message?: MessageOf[];
    };
    for (const one of all) add(root, one);
  }
  return found;
}

/** Returns our declarations of all messages that the engine's requests and responses contain. */
function shapesOf(): MessageShape[] {
  const seen = new Set<MessageShape>();
  const visit = (type: FieldType | (() => MessageShape)): void => {
    const shape = typeof type === "function" ? type() : type;
    if (typeof shape === "string" || seen.has(shape)) return;
    seen.add(shape);
    for (const { type: inner } of Object.values(shape.fields)) visit(inner);
  };
  roots.forEach(visit);
  return [...seen];
}

/** Fields that Spark 4.0 does not define, and that log/spark/messages.ts declares as optional. */
const LATER = new Set(["spark.connect.MlCommandResult.MlOperatorInfo.warning_message"]);

const [TEXT, MESSAGE, BYTES, BOOL, DOUBLE, REPEATED] = [9, 11, 12, 8, 1, 3];
const INTEGERS = [3, 4, 5, 13, 14];

/** Returns how our declaration of a message's field differs from the server's; undefined if it does not. */
function complaintOf(
  all: Map<string, MessageOf>,
  own: MessageShape["fields"][string],
  theirs: FieldOf | undefined,
): string | undefined {
  if (!theirs) return "is not there";
  if (theirs.number !== own.number) return `has number ${theirs.number}, not ${own.number}`;
  const type = typeof own.type === "function" ? own.type() : own.type;
  const isMap = type === "texts";
  if ((theirs.label === REPEATED) !== (own.repeated === true || isMap)) return "is repeated, or is not";
  const isRight =
    type === "text"
      ? theirs.type === TEXT
      : type === "bytes"
        ? theirs.type === BYTES
        : type === "bool"
          ? theirs.type === BOOL
          : type === "int"
            ? INTEGERS.includes(theirs.type)
            : type === "double"
              ? theirs.type === DOUBLE
              : isMap
                ? all.get(theirs.typeName!.slice(1))!.field!.every(({ type: of }) => of === TEXT)
                : theirs.type === MESSAGE && theirs.typeName === `.${type.message}`;
  return isRight ? undefined : `is of type ${theirs.type} ${theirs.typeName ?? ""}`;
}

test("every field has the number and the type that a server's wheel states", () => {
  const found = sparkFolder();
  if ("missing" in found) return console.warn(`skipped: ${found.missing}`);
  const all = messagesOf(found.folder);
  const shapes = shapesOf();
  expect(shapes.length).toBeGreaterThan(40);
  const complaints = shapes.flatMap(({ message: name, fields }) =>
    Object.entries(fields).flatMap(([key, own]) => {
      const snake = key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      const theirs = all.get(name)?.field?.find((one) => one.name === snake);
      if (!theirs && LATER.has(`${name}.${snake}`)) return [];
      const complaint = complaintOf(all, own, theirs);
      return complaint === undefined ? [] : [`${name}.${snake} ${complaint}`];
    }),
  );
  expect(complaints).toEqual([]);
});

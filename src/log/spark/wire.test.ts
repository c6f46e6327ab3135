// Tests that messages are encoded and decoded, and that invalid bytes are rejected.

import { decode, encode, type MessageShape } from "./wire.js";

const inner: MessageShape = {
  message: "Inner",
  fields: { name: { number: 1, type: "text" }, size: { number: 2, type: "int" } },
};
const outer: MessageShape = {
  message: "Outer",
  fields: {
    flag: { number: 1, type: "bool" },
    data: { number: 2, type: "bytes" },
    inner: { number: 3, type: inner },
    all: { number: 16, type: () => inner, repeated: true },
    options: { number: 5, type: "texts" },
    share: { number: 6, type: "double" },
  },
};
const message = {
  flag: true,
  data: Uint8Array.of(0, 255, 128),
  inner: { name: "ü😀", size: 2 ** 53 },
  all: [{ name: "a" }, { size: 300 }, {}],
  options: { a: "1", b: "" },
  share: -0.1,
};

test("a message is what it was", () => {
  const { data, ...others } = decode(outer, encode(outer, message)) as typeof message;
  const { data: given, ...expected } = message;
  expect(others).toEqual(expected);
  expect([...data]).toEqual([...given]);
});

test("the bytes are those of the specification", () => {
  // examples of protobuf.dev/programming-guides/encoding: 08 96 01 is 150, 12 07 ... is "testing"
  const shape: MessageShape = {
    message: "Test",
    fields: { a: { number: 1, type: "int" }, b: { number: 2, type: "text" } },
  };
  expect(encode(shape, { a: 150, b: "testing" }).toString("hex")).toBe("089601120774657374696e67");
});

test("fields that are not known are skipped, whatever their type", () => {
  const known: MessageShape = { message: "Known", fields: { flag: { number: 1, type: "bool" } } };
  const fixed = [0x09 + 8 * 6, 1, 2, 3, 4, 5, 6, 7, 8, 0x0d + 8 * 7, 1, 2, 3, 4];
  const bytes = Buffer.concat([Buffer.from(fixed), encode(outer, message)]);
  expect(decode(known, bytes)).toEqual({ flag: true });
});

test("bytes that are cut, or of another type, are errors", () => {
  const bytes = encode(outer, message);
  for (let length = 1; length < bytes.length; length++) {
    try {
      decode(outer, bytes.subarray(0, length));
    } catch (error) {
      expect(String(error)).toMatch(/ends within|wire type/);
    }
  }
  expect(() => decode(outer, Uint8Array.of(0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f))).toThrow(
    /ends within a field/,
  );
  expect(() => decode(outer, Uint8Array.of(0x0a, 1, 1))).toThrow(/Outer.flag has wire type 2/);
  expect(() => encode(outer, { flags: true })).toThrow(/no field flags/);
});

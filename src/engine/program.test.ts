import { Answers, COMMAND } from "./program.js";

/** Answers of two shards with the keys 3 and 7, which were sent 4 bytes each. */
const answers = () => new Answers("sc://test", [3, 7], [new Uint8Array(4), new Uint8Array(4)]);
const piece = (shard: number, number: number, text: string) => ({
  shard,
  number,
  payload: Buffer.from(text).toString("base64"),
});

test("pieces come in any order, and are put together by shard and number", () => {
  const taken = answers();
  for (const one of [piece(7, 1, "d"), piece(3, 0, "ab"), piece(7, 0, "c")]) taken.take(one);
  expect(taken.all().map((bytes) => Buffer.from(bytes).toString())).toEqual(["ab", "cd"]);
});

test.each([
  ["of an unknown shard", [piece(4, 0, "a")], /shard 4 is unknown/],
  ["twice", [piece(3, 0, "a"), piece(3, 0, "a")], /piece 0 of shard 1 came twice/],
  ["below zero", [piece(3, -1, "a")], /piece -1 of shard 1/],
  ["without a number", [{ ...piece(3, 0, "a"), number: null as never }], /piece null of shard 1/],
  ["missing", [piece(3, 0, "a"), piece(3, 2, "a"), piece(7, 0, "a")], /piece 1 of shard 1 is missing/],
  ["of one shard alone", [piece(3, 0, "a")], /nothing came of shard 2/],
  ["that is no base64", [{ shard: 3, number: 0, payload: "a*==" }], /is not base64/],
  ["that is cut off", [{ shard: 3, number: 0, payload: "YWF" }], /is not base64/],
  ["that is null", [{ shard: 3, number: 0, payload: null as never }], /is not base64/],
  ["too large", [piece(3, 0, "a".repeat(5000))], /shard 1 is larger than its message/],
])("a piece %s is an error", (_, pieces, message) => {
  const taken = answers();
  expect(() => {
    pieces.forEach((one) => taken.take(one));
    taken.all();
  }).toThrow(message);
});

test("what starts the program has no character that a shell or SQL takes", () => {
  expect(COMMAND).toMatch(/^node --import data:text\/javascript,[A-Za-z0-9%]+ -e 0$/);
});

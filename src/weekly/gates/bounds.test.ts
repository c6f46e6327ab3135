import { checkTime } from "./bounds.js";
import { checkGates } from "./gate.js";

const now = Date.UTC(2026, 2, 10);
const DAY = 86_400_000;

test.each([
  [6, "passed"],
  [8, "failed"],
  // clocks and time zones may differ by a day, but an event of next week is no event
  [-1, "passed"],
  [-7, "failed"],
])("maxAge 7d: the newest event is %i days old: %s", (days, status) => {
  const measured = { gate: "newest", value: now - days * DAY, previous: undefined, show: String };
  expect(checkTime(measured, { maxAge: "7d" }, now)).toMatchObject([{ gate: "newest", status }]);
});

test("a single gate that fails is an error that names it, and gates that are not compared are none", () => {
  const of = (status: "passed" | "failed" | "notCompared", gate = status) => ({
    ...{ gate, bound: "min 1", value: 0, previous: null, status },
    message: `${gate} is 0`,
  });
  expect(() => checkGates([of("passed"), of("failed")])).toThrow(
    "1 of 2 gates failed, nothing is published:\n  failed is 0",
  );
  checkGates([of("passed"), of("notCompared")]);
});

import { datasetOf } from "../../testing/dataset-of.js";
import { withoutHeavyUsers, type UserLimits } from "./heavy-users.js";

const DAY = 86_400_000;
// User v has two events on day 1 and one on day 2, user u has one on each of three days, and user w has one in total.
// Three rows of one day have no user.
const dataset = datasetOf(
  {
    who: ["u", "v", "v", "", "u", "v", "w", "", "", "u"],
    what: ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"],
    when: [0, 1, 1.99, 5, 1, 2, 9, 5, 5, 2].map((day) => day * DAY),
  },
  { user: "who", time: "when", fields: ["who", "what"] },
);

function left(limits: UserLimits): string {
  const { dataset: kept } = withoutHeavyUsers(dataset, limits);
  const what = kept.columns[1]!;
  return what.kind === "key" ? Array.from(what.codes, (code) => "abcdefghij"[code]).join("") : "";
}

test("users above a limit in all or on a day in UTC go with all their events; rows without a user stay", () => {
  expect(left({ dropUsersAbove: 3 })).toBe("abcdefghij");
  expect(left({ dropUsersAbove: 2 })).toBe("dghi");
  expect(left({ dropUsersAbovePerDay: 1 })).toBe("adeghij");
  expect(left({ dropUsersAbovePerDay: 2 })).toBe("abcdefghij");
  expect(left({ dropUsersAbove: 2, dropUsersAbovePerDay: 1 })).toBe("dghi");
});

test("a warning counts them and names those with most events; five at most", () => {
  const { dataset: kept, users, warnings } = withoutHeavyUsers(dataset, { dropUsersAbovePerDay: 1 });
  expect([users, dataset.numRows - kept.numRows]).toEqual([1, 3]);
  expect(warnings).toEqual([
    "left out 1 user with 3 of 10 events (30.0 %) by --drop-users-above-per-day 1: 'v' (3 events, at most 2 a day)",
  ]);
  const who = Array.from("aabbccddeeeffg");
  const crowd = datasetOf({ who }, { user: "who" });
  const [text] = withoutHeavyUsers(crowd, { dropUsersAbove: 1 }).warnings;
  expect(text).toContain("left out 6 users with 13 of 14 events (92.9 %) by --drop-users-above 1: 'e' (3");
  expect(text).toMatch(/'d' \(2 events\) and 1 more$/);
});

test("limits without their column, and limits that leave no event, are refused", () => {
  const { time: _, ...timeless } = dataset.roles;
  const plain = datasetOf({ what: ["a"] });
  expect(() => withoutHeavyUsers(plain, { dropUsersAbove: 1 })).toThrow(
    "--drop-users-above 1 needs a user column: name it with --user",
  );
  expect(() => withoutHeavyUsers({ ...dataset, roles: timeless }, { dropUsersAbovePerDay: 1 })).toThrow(
    "--drop-users-above-per-day needs a time column: name it with --time",
  );
  expect(() =>
    withoutHeavyUsers(datasetOf({ who: ["u", "u"] }, { user: "who" }), { dropUsersAbove: 1 }),
  ).toThrow("--drop-users-above 1 excludes all 2 events");
});

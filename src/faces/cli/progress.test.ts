import { lineWriter } from "./progress.js";

test("the remaining time of reading is that of the last seconds, of this reading alone", () => {
  let now = 0;
  const lineOf = lineWriter(() => 1000 * now);
  const read = (seconds: number, megabytes: number): string => {
    now = seconds;
    return lineOf({ stage: "reading", rows: 1e6 * megabytes, bytes: 1e6 * megabytes, totalBytes: 1e9 });
  };
  // nothing is known yet, long after the command began
  expect(read(300, 1)).toBe("reading: 1,000,000 rows, 1.0 of 1000.0 MB");
  expect(read(302, 21)).toMatch(/10\.00 M rows\/s, 10 MB\/s, about 2 min left$/);
  for (const seconds of [304.1, 306.2, 308.3]) read(seconds, 21 + 100 * (seconds - 302));
  expect(read(309, 721)).toMatch(/100 MB\/s, about 2\.8 s left$/);
  lineOf({ stage: "doing", text: "training" });
  expect(read(400, 10)).toBe("reading: 10,000,000 rows, 10.0 of 1000.0 MB");
});

import type { GateOutcome } from "../../table/gate-file.js";
import {
  acceptRefusals,
  isLasting,
  refusalsIn,
  refusalsOf,
  standingRefusals,
  suspectsIn,
  withAccepted,
  type RefusedRows,
} from "./refusals.js";

const log = ["a", "b", "c"].map((name) => ({ path: `logs/${name}.csv`, sha256: name }));
const [a, b, c] = log as [(typeof log)[0], (typeof log)[0], (typeof log)[0]];
const days = [
  { name: "2026-01-05", digest: "5" },
  { name: "2026-01-06", digest: "6" },
];
const changes = { files: 3, since: "000001", new: [b.path, c.path], changed: [], gone: [] };
const failed = (gate: string, bound: string, groups?: string[]): GateOutcome => ({
  ...{ gate, bound, value: 1, previous: 2, status: "failed", message: `${gate} is 1: not ${bound}` },
  ...(groups && { groups }),
});
const bounds = { before: { newFiles: { rows: { atLeast: "30%" } } }, trainings: [] };
const refused = (outcomes: GateOutcome[], suspects: RefusedRows, rows: RefusedRows) =>
  refusalsOf("items", outcomes, suspects, rows, { bounds, since: "000002" });
const metric = failed("valid.auc", "worse by no more than 1%");

test("a metric may fail for any new file, or for the days that were added to a changed file", () => {
  expect(suspectsIn(log, changes, days)).toEqual({ files: [b, c], days: [] });
  const grown = { ...changes, new: [], changed: [a.path] };
  expect(suspectsIn(log, grown, days)).toEqual({ files: [], days });
  expect(suspectsIn(log, grown, [])).toEqual({ files: [a], days: [] });
});

test("outcomes that name a file or a day refuse it alone, others all new rows together", () => {
  const [suspects, rows] = [suspectsIn(log, changes, days), { files: log, days }];
  const all = refused([metric], suspects, rows);
  expect(all).toMatchObject([{ files: [b, c], days: [], bounds: ["valid.auc worse by no more than 1%"] }]);
  const named = failed("newFiles.rows", "atLeast 30%", [b.path]);
  const ofDay = failed("newDays.rows", "atLeast 30%", ["2026-01-06"]);
  expect(refused([metric, named, ofDay], suspects, rows)).toMatchObject([
    { files: [b], days: [] },
    { files: [], days: [days[1]] },
  ]);
});

test("of files that repeat one another, all new rows are refused together", () => {
  const copy = failed("newFiles.copies", "max 0", [b.path]);
  const all = refused([copy], suspectsIn(log, changes, []), { files: log, days: [] });
  expect(all).toMatchObject([{ files: [b, c] }]);
  expect(all.map(isLasting)).toEqual([false]);
  expect(refusalsIn(all, [a, b], [])).toEqual([]);
});

test("a log that lacks rows, or is old, refuses no row of it", () => {
  const suspects = suspectsIn(log, changes, days);
  const lacking = [
    failed("goneFiles", "max 0"),
    failed("newDays.empty", "max 0"),
    failed("newest", "maxAge 8d"),
  ];
  expect(refused(lacking, suspects, { files: log, days })).toEqual([]);
});

test("rows stay refused while all of them are in the log with their names and bytes", () => {
  const all = refused([metric], suspectsIn(log, changes, []), { files: log, days: [] });
  const longer = [...log, { path: "logs/d.csv", sha256: "d" }];
  expect(refusalsIn(all, longer, [])).toEqual(all);
  // a copy of b under another name was refused and removed, b itself stays
  expect(refusalsIn(all, [a, { ...b, path: "logs/b2.csv" }, c], [])).toEqual([]);
  expect(refusalsIn(all, [a, b, { ...c, sha256: "mended" }], [])).toEqual([]);
  const [ofDay] = refused([metric], { files: [], days: [days[0]!] }, { files: log, days });
  expect(refusalsIn([ofDay!], log, days)).toHaveLength(1);
  expect(refusalsIn([ofDay!], log, [{ ...days[0]!, digest: "other" }])).toEqual([]);
});

test("accepted rows pass the bounds that refused them, as long as no other rows are new", () => {
  const suspects = suspectsIn(log, changes, []);
  const all = refused([metric], suspects, { files: log, days: [] });
  expect(() => acceptRefusals(all, ["logs/x.csv"])).toThrow(
    "--accept 'logs/x.csv': no such file or day was refused; refused are logs/b.csv, logs/c.csv",
  );
  const accepted = acceptRefusals(all, [b.path]);
  const other = failed("rows", "within 50%");
  const empty = failed("newDays.empty", "max 0");
  const statuses = (rows: typeof suspects) =>
    withAccepted([metric, other, empty], accepted, rows, false).map(({ status }) => status);
  expect(statuses(suspects)).toEqual(["accepted", "failed", "failed"]);
  expect(statuses({ files: [...suspects.files, { path: "logs/d.csv", sha256: "d" }], days: [] })).toEqual([
    "failed",
    "failed",
    "failed",
  ]);
  expect(withAccepted([metric, empty], [], suspects, true).map(({ status }) => status)).toEqual([
    "failed",
    "accepted",
  ]);
});

test("refusals no longer stand once their bounds change, or the version they were compared with is rolled back", () => {
  const rows = { files: log, days };
  const all = refused(
    [failed("newFiles.rows", "atLeast 30%", [b.path])],
    suspectsIn(log, changes, days),
    rows,
  );
  expect(standingRefusals(all, bounds, "000003")).toEqual(all);
  expect(standingRefusals(all, { ...bounds, before: { rows: { min: 5 } } }, "000003")).toEqual([]);
  expect(standingRefusals(all, bounds, "000001")).toEqual([]);
});

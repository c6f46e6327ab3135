// Names from logs, files and users are looked up with Object.hasOwn or in a Map: objects inherit `constructor`,
// `toString` and more, and an assignment to `__proto__` sets no property.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../testing/embed.js";
import { nameLookups, type NameLookup } from "../testing/name-lookups.js";
import { projectFolder } from "../testing/places.js";
import { scaffolding } from "./rooms.js";

/**
 * Files that may look up names in objects without a check, by the reason. A new file must use a check, or be added with
 * its reason.
 */
const mayRead: Record<string, string> = {
  "metrics and splits have the program's names":
    "faces/cli/commands/evaluate faces/cli/commands/train metrics/comparison metrics/leaderboard trainers/shared/factor-model/outcome trainers/shared/factor-model/stored-training " +
    "judge/report/page/drift judge/report/page/history judge/report/page/learning-curves judge/report/page/metrics trainers/shared/skip-grams/learn weekly/store/ls " +
    "trainers/gbdt/leaf-heads/head trainers/ranking/train trainers/two-tower/train training/warnings/outcome-warnings training/search/search training/session/choose-rounds",
  "options have the names of an option table":
    "judge/reproduce/reproduce options/commander-flags faces/library/call weekly/pipeline/commands weekly/pipeline/plan judge/reproduce/run-recipe judge/report/page/search " +
    "trainers/graph/options options/check-given options/table training/session/choose-rounds training/search/search-space training/session/session",
  "the text was matched before: a unit, an operator, a character, a format, a command":
    "judge/compare/options faces/cli/commands/completion weekly/gates/gates-schema dataset/filters/event-limits dataset/sequences/sequences " +
    "dataset/time-fields dataset/filters/where export/servers/postgres-table weekly/pipeline/file judge/report/page/html " +
    "training/shared-options/reading",
  "the object has an entry for every column or field that is looked up":
    "judge/inspect/inspect dataset/vocabulary/preprocess dataset/roles log/look-alikes",
  "reasons for skipped rows are the program's":
    "dataset/collect log/merge log/text/open-records log/parquet/read training/reading/bad-row-report",
  "structs, tensors and messages have the program's names":
    "use/export/fingerprint log/spark/wire compute/kernels/shared/struct trainers/gbdt/foreign-models/xgboost-read trainers/net/plan " +
    "trainers/two-tower/warm-start training/epochs/checkpoint training/epochs/named-arrays",
  "codes of errors, compressions, types and variables come from the system, Parquet's list, a server and the environment":
    "faces/cli/report-error faces/cli/settings faces/cli/main-thread export/servers/postgres-table base/io/environment base/io/write log/parquet/memory",
  "the place of a wrong value in a file, for a message": "options/yaml-file",
  "files of a run and of an archive have endings": "table/import/arrays",
  "a role is user or item": "weekly/forget/forget",
};

/**
 * Assignments `object[name] = ...` that need no check, as FILE:OBJECT, by the reason why the name cannot come from a
 * log.
 */
const mayWrite: Record<string, string> = {
  "metrics and splits have the program's names":
    "metrics/comparison:best metrics/comparison:intervals metrics/comparison:toBest " +
    "metrics/comparison:toFirst trainers/gbdt/evaluate-forest:metrics trainers/pca/decompose-splits:metrics " +
    "training/split-metrics/split-metrics:measured.metrics",
  "options have the names of an option table":
    "use/export/fingerprint:contents options/config-file:shape options/commander-flags:given weekly/pipeline/exports:placed weekly/pipeline/init-pipeline:moved " +
    "weekly/pipeline/plan:given weekly/pipeline/plan:resolved judge/reproduce/run-recipe:training options/table:all options/from-file:given training/search/search-space:setting",
  "files of runs, stores and datasets have the program's names":
    "use/align:modelFiles use/transform/content:modelFiles dataset/encoded/write:files table/run-directory:files " +
    "trainers/shared/factor-model/rotation:rotated weekly/forget/forget-run:written weekly/forget/forget-version:files weekly/store/store:files",
  "reasons for skipped rows are the program's":
    "dataset/collect:this.skipped log/merge:this.skipped log/text/open-records:skipped log/parquet/read:this.skipped " +
    "training/reading/bad-row-report:this.#skipped",
  "tensors, messages and stages have the program's names":
    "log/spark/wire:message trainers/net/average:this.#means trainers/net/model:parameters " +
    "trainers/net/plan:parameters trainers/two-tower/model:layers training/session/watch:this.laps",
};

const folder = temporaryFolder();
const words = (lists: Record<string, string>) => Object.values(lists).flatMap((list) => list.split(" "));

/**
 * Returns the entry that must be in `mayRead` or `mayWrite` to allow a lookup: FILE, or FILE:OBJECT for an assignment.
 */
function entryOf({ file, kind, object }: NameLookup): string {
  const name = file.replace(/^src\/|\.ts$/g, "");
  return kind === "write" ? `${name}:${object}` : name;
}

test("names from outside are looked up among the properties of an object itself", () => {
  const shipped = new RegExp(`^src/(?!(?:${scaffolding.join("|")})/|.*\\.test\\.ts$|.*\\.reference\\.ts$)`);
  const found = nameLookups(projectFolder, shipped);
  const [reads, writes] = [words(mayRead), words(mayWrite)];
  const complaints = found
    .filter((one) => !(one.kind !== "in" && (one.kind === "write" ? writes : reads).includes(entryOf(one))))
    .map(
      ({ file, line, text, kind }) =>
        `${file}:${line}: ${text}: ${kind === "write" ? "use a Map or Object.fromEntries" : "use Object.hasOwn or a Map"}, ` +
        "or say in src/acceptance/name-lookups.test.ts why the name cannot be one that objects inherit",
    );
  expect(complaints).toEqual([]);
  // each entry in the lists of exceptions must still allow a lookup, or be removed
  const used = new Set(found.map((one) => `${one.kind} ${entryOf(one)}`));
  const unused = [...reads.map((name) => `read ${name}`), ...writes.map((name) => `write ${name}`)];
  expect(unused.filter((entry) => !used.has(entry))).toEqual([]);
});

test("the check sees reads, writes and `in` by any name, and none that is checked or of a closed set", () => {
  mkdirSync(join(folder, "src"));
  const compilerOptions = { strict: true, target: "ES2023", module: "NodeNext", types: [] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
  const text = `
    declare const record: Record<string, number>, closed: { a: number; b: number }, list: number[], name: string, ab: "a" | "b";
    export const all = [
      name in closed, closed[ab], list[0], record["a"], "a" in closed,
      Object.hasOwn(record, name) ? record[name] : 0, (record as Readonly<Record<string, number>> | undefined)?.[name],
    ];
    record[name] = record[name];
    record[name] ??= 2;
    delete record[name];
    list[0] = 1;
    Object.assign(closed, record);
    Object.assign(closed, { a: 2 });
  `;
  writeFileSync(join(folder, "src", "lookups.ts"), text);
  expect(nameLookups(folder, /^src\//).map(({ kind, line }) => `${kind} ${line}`)).toEqual([
    ...["in 4", "read 5", "write 7", "read 7", "write 8", "write 9", "write 11"],
  ]);
});

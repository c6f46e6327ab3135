// Imports follow the rules in rooms.ts. A failure says what to do instead.

import {
  readAssemblySources,
  readSources,
  roomOf,
  sourceOf,
  type ProjectSource,
} from "../testing/sources.js";
import { exceptions, openToAll, rooms, scaffolding, terminal } from "./rooms.js";

const sources = readSources();
/** Files that are part of the package: neither tests nor files of folders (rooms) that only tests use. */
const shipped = sources.filter(({ file, room }) => !file.endsWith(".test") && !scaffolding.includes(room));

/** Whether an imported path is a file of the project, and not a package. */
function isFile(target: string): boolean {
  return roomOf(target) in rooms || scaffolding.includes(roomOf(target));
}

function allowedByException({ file }: ProjectSource, target: string): boolean {
  return exceptions.some(
    (exception) =>
      exception.file.test(file) &&
      exception.mayImport.some((allowed) =>
        new RegExp(`^${allowed.replaceAll("/", "\\/").replaceAll("*", "[^/]+")}$`).test(target),
      ),
  );
}

/** Returns the problem of one import, as a sentence; undefined if there is none. */
function complaint(source: ProjectSource, target: string): string | undefined {
  const { file, room } = source;
  const { mayImport, packages = [] } = rooms[room];
  if (allowedByException(source, target)) return undefined;
  if (!isFile(target)) {
    if (openToAll.includes(target) || packages.includes(target)) return undefined;
    const homes = Object.keys(rooms).filter((name) => rooms[name].packages?.includes(target));
    const advice =
      homes.length > 0
        ? `call what ${list(homes)} offers instead, or add there what is missing`
        : "no room may: give it one home in src/acceptance/rooms.ts and say why in docs/decisions";
    return `src/${file}.ts imports ${target}, which ${room} may not: ${advice}`;
  }
  const targetRoom = roomOf(target);
  // trainers are independent of each other; only trainers/index.ts, the list of trainers, imports them
  const trainer = trainerOf(target);
  if (trainer !== undefined && trainerOf(file) !== trainer && !lists.includes(file)) {
    return `src/${file}.ts knows the trainer ${trainer}, by ${target}: ask its model for a capability, or move what several need to factors/, skip-grams/ or training/`;
  }
  if (targetRoom === room) return undefined;
  if (scaffolding.includes(targetRoom)) {
    return `src/${file}.ts imports ${target}, which does not ship: move what it needs out of ${targetRoom}/`;
  }
  if (mayImport.includes(targetRoom)) return undefined;
  const lower = rooms[targetRoom]?.mayImport.includes(room);
  const advice = lower
    ? `data goes the other way, so let ${targetRoom}/ pass in what ${room}/ needs as an argument`
    : `${room} may import ${list(mayImport)}: let api/ bring the two together, or move the shared concept to one of these`;
  return `src/${file}.ts imports ${target}: ${advice}`;
}

/** Files that may import every trainer. */
const lists = ["trainers/index"];

/** Returns the folder of trainers/ that contains a file. */
function trainerOf(file: string): string | undefined {
  return /^trainers\/([^/]+)\//.exec(file)?.[1];
}

function list(names: string[]): string {
  return names.length === 0 ? "nothing" : names.map((name) => `${name}/`).join(", ");
}

/** Returns the problem of each import in a text, as if the text were a file of export/. */
function complaintsAbout(text: string): string[] {
  const source = sourceOf("export/csv", text);
  return source.imports.map((target) => complaint(source, target) ?? "fine");
}

test("every folder of src is a room", () => {
  const unknown = [...new Set(sources.map(({ room }) => room))].filter(
    (room) => !(room in rooms) && !scaffolding.includes(room),
  );
  expect(
    unknown.map(
      (room) =>
        `src/${room} is no room: put its files into one, or add it to rooms.ts and docs/architecture.md`,
    ),
  ).toEqual([]);
});

test("rooms import only what they may", () => {
  const complaints = shipped
    .filter(({ room }) => room in rooms)
    .flatMap((source) => source.imports.map((target) => complaint(source, target)))
    .filter((sentence) => sentence !== undefined);
  expect(complaints).toEqual([]);
});

test("console and process are used by the command line only", () => {
  const complaints = shipped
    // programs of executors/ write to standard streams, which Spark reads; log/spark/executors contains the text of such a
    // program
    .filter(({ file, room }) => !["cli", "executors"].includes(room) && file !== "log/spark/executors")
    .flatMap(({ file, code }) =>
      terminal.flatMap(({ name, pattern, but }) =>
        [...code.matchAll(new RegExp(pattern, "g"))]
          .filter((match) => !(but?.file.test(file) && but.pattern.test(code.slice(match.index))))
          .map(
            () => `src/${file}.ts uses ${name}: return a value or call an observer, and let cli/ print it`,
          ),
      ),
    );
  expect(complaints).toEqual([]);
});

test("no result depends on Math.random", () => {
  const complaints = shipped
    .filter(({ code }) => code.includes("Math.random"))
    .map(({ file }) => `src/${file}.ts uses Math.random: draw from sampling/, by the seed`);
  expect(complaints).toEqual([]);
});

/** Returns the imports of reference implementations by files of the package. */
function referencesUsed(sources: readonly ProjectSource[]): string[] {
  const isReference = (file: string) => file.endsWith(".reference");
  return sources
    .filter(({ file }) => !isReference(file))
    .flatMap(({ file, imports }) =>
      imports
        .filter(isReference)
        .map(
          (target) => `src/${file}.ts imports ${target}, which does not ship: move what it needs to numeric/`,
        ),
    );
}

test("what ships takes its arithmetic from numeric/, never from a reference", () => {
  expect(referencesUsed(shipped)).toEqual([]);
  const planted = sourceOf("solvers/a", 'import { step } from "../compute/kernels/fm/fm.reference.js";');
  expect(referencesUsed([planted])).toEqual([
    expect.stringContaining("imports compute/kernels/fm/fm.reference"),
  ]);
});

test("what only tests import is named as a reference or a test's", () => {
  expect(onlyTested(sources)).toEqual([]);
  const planted = [sourceOf("numeric/a", ""), sourceOf("numeric/a.test", 'import "./a.js";')];
  expect(onlyTested([...sources, ...planted])).toEqual([expect.stringContaining("src/base/numeric/a.ts")]);
});

/** Returns files that neither the program nor the library nor a worker imports, directly or indirectly. */
function onlyTested(all: readonly ProjectSource[]): string[] {
  const isEntry = /\.worker$|^(?:cli\/main|index|library\/write-entry|workers\/thread)$/;
  const byName = new Map(all.map((source) => [source.file, source]));
  const reached = new Set(all.filter(({ file }) => isEntry.test(file)).map(({ file }) => file));
  for (const file of reached) for (const target of byName.get(file)?.imports ?? []) reached.add(target);
  const isNamed = /\.(?:reference|d)$|\.test(?:\.|$)/;
  return all
    .filter(({ file, room }) => !reached.has(file) && !isNamed.test(file) && !scaffolding.includes(room))
    .map(
      ({ file }) =>
        `src/${file}.ts is used by tests alone: remove it, or name it NAME.reference.ts or NAME.test.WHAT.ts`,
    );
}

test("structs of kernels are read and written by the names of their fields, in compute/kernels/shared/struct.ts alone", () => {
  const byNumber =
    /\bnew DataView\([\w.#]*buffer|\bnew \w+Array\([\w.#]*buffer, [\w.#]*\b(?:plan|search|side|struct|thread|threads\[\w+\]!?)\b/;
  const numbered = (file: string, code: string) =>
    ["kernels", "solvers", "trainers"].includes(file.split("/")[0]!) &&
    file !== "compute/kernels/shared/struct" &&
    byNumber.test(code);
  expect(numbered("trainers/fm/a", "new DataView(memory.buffer).getFloat32(at + 8, true)")).toBe(true);
  expect(numbered("compute/kernels/fm/state", "new Uint32Array(memory.buffer, layout.plan, 18)")).toBe(true);
  const complaints = shipped
    .filter(({ file, code }) => numbered(file, code))
    .map(({ file }) => `src/${file}.ts reads a struct by number: use getField, setField or writeStruct`);
  expect(complaints).toEqual([]);
});

test("no barrel but src/index.ts; a kernel's binding may hand on names of its own layout", () => {
  const ofLayout = /export (?:type )?\{[^}]*\} from "\.\/layout\.js"/g;
  const complaints = shipped
    .filter(({ file, code }) => {
      const rest = /^kernels\/[^/]+\/binding$/.test(file) ? code.replace(ofLayout, "") : code;
      return (
        file !== "index" &&
        /(?:^|\n)\s*export\s+(?:type\s+)?(?:\*|\{[^}]*\})\s*(?:as\s+\w+\s*)?from\b/.test(rest)
      );
    })
    .map(({ file }) => `src/${file}.ts exports another file's names: import them where they are defined`);
  expect(complaints).toEqual([]);
});

/** Import cycles that are allowed until they are resolved; each is named by its file that sorts first. */
const knownCycles: string[] = [];

/**
 * Returns a sentence for each file that imports itself through other files. @param known import cycles that are allowed
 */
function cyclesOf(sources: readonly ProjectSource[], known: readonly string[]): string[] {
  const byName = new Map(sources.map((source) => [source.file, source]));
  const state = new Map<string, "open" | "done">();
  const cycles: string[][] = [];
  const visit = (file: string, path: string[]): void => {
    if (state.get(file) === "done" || !byName.has(file)) return;
    const trail = [...path, file];
    if (state.get(file) === "open") {
      cycles.push(trail.slice(trail.indexOf(file)));
      return;
    }
    state.set(file, "open");
    for (const target of byName.get(file)!.imports) visit(target, trail);
    state.set(file, "done");
  };
  for (const { file } of sources) visit(file, []);
  return [
    ...cycles
      .filter((cycle) => !known.includes(cycle[0]!))
      .map(
        (cycle) =>
          `${cycle.map((name) => `src/${name}.ts`).join(" → ")}: move what they share into a file that imports none of them`,
      ),
    ...known
      .filter((name) => !cycles.some(([first]) => first === name))
      .map((name) => `src/${name}.ts is in no cycle any more: remove it from knownCycles`),
  ];
}

test("no file imports itself through others, AssemblyScript included", () => {
  const all = [...sources, ...readAssemblySources()];
  expect(cyclesOf(all, knownCycles)).toEqual([]);
  const planted = [
    sourceOf("kernels/fm/assembly/a", 'import { b } from "./b";'),
    sourceOf("kernels/fm/assembly/b", 'import { a } from "./a";'),
  ];
  expect(cyclesOf([...all, ...planted], knownCycles)).toEqual([
    "src/compute/kernels/fm/assembly/a.ts → src/compute/kernels/fm/assembly/b.ts → src/compute/kernels/fm/assembly/a.ts: move what they share into a file that imports none of them",
  ]);
});

test("the check sees imports of every form, and no comment or string", () => {
  expect(complaintsAbout('import type {\n  A,\n} from "../table/table.js";')).toEqual(["fine"]);
  expect(complaintsAbout('// import x from "../log/log.js"\nconst a = "https://x";')).toEqual([]);
  expect(complaintsAbout('const a = { command: "import", of: "../log/log.js" };')).toEqual([]);
  expect(complaintsAbout('import { readFileSync } from "node:fs";')).toEqual([
    expect.stringContaining("call what io/ offers instead"),
  ]);
  expect(complaintsAbout('const a = await import("../use/export/export.js");')).toEqual([
    expect.stringContaining("let api/ pass in what export/ needs"),
  ]);
  expect(complaintsAbout('export * from "../dataset/dataset.js";')).toEqual([
    expect.stringContaining("let api/ bring the two together"),
  ]);
});

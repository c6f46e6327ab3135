// Imports follow the rules in rooms.ts. A failure says what to do instead.

import {
  readAssemblySources,
  readSources,
  roomOf,
  sourceOf,
  type ProjectSource,
} from "../testing/sources.js";
import { openToAll, packages, rooms, scaffolding, terminal, upward } from "./rooms.js";

const sources = readSources();
/** Files that are part of the package: neither tests nor files of folders (rooms) that only tests use. */
const shipped = sources.filter(({ file, room }) => !file.endsWith(".test") && !scaffolding.includes(room));

/** The rooms in the order of imports; src/index.ts is after all of them. */
const order = [...Object.keys(rooms), "index"];

/** Returns the position of a file among the parts of its room: an import leads to an equal or a smaller position. */
function partOf(file: string): number {
  const room = roomOf(file);
  const parts = rooms[room]?.parts ?? ["."];
  const found = parts.findIndex((part) => `${file}/`.startsWith(`${room}/${part}/`));
  return found < 0 ? parts.indexOf(".") : found;
}

/** Whether a file is the one that a path names, in which `*` stands for any name. */
function isNamed(path: string, file: string): boolean {
  return new RegExp(`^${path.replaceAll(".", "\\.").replaceAll("*", "[^/]+")}$`).test(file);
}

/** Returns the problem of one import, as a sentence; undefined if there is none. */
function complaint({ file, room }: ProjectSource, target: string): string | undefined {
  const targetRoom = roomOf(target);
  const imports = `src/${file}.ts imports ${target}`;
  if (scaffolding.includes(targetRoom))
    return `${imports}, which does not ship: move what it needs out of ${targetRoom}/`;
  if (!order.includes(targetRoom)) return packageComplaint(file, target);
  // trainers are independent of each other; only trainers/index.ts, the list of trainers, imports them
  const trainer = trainerOf(target);
  if (trainer !== undefined && trainerOf(file) !== trainer && file !== "trainers/index")
    return `src/${file}.ts knows the trainer ${trainer}, by ${target}: ask its model for a capability, or move what several need to trainers/shared/ or training/`;
  if (targetRoom === room) {
    if (partOf(target) <= partOf(file)) return undefined;
    return `${imports}, but the parts of ${room}/ are in the order ${rooms[room]!.parts!.join(", ")}: pass in what it needs, or move what both need to the first`;
  }
  if (order.indexOf(targetRoom) > order.indexOf(room)) {
    if (Object.hasOwn(upward, `${file} ${target}`)) return undefined;
    return `${imports}, but ${targetRoom}/ comes after ${room}/: let the caller pass in what it needs, or move the shared concept to ${room}/ or above`;
  }
  const doors = rooms[targetRoom]!.doors?.map((door) => `${targetRoom}/${door}`);
  return (doors?.some((door) => isNamed(door, target)) ?? true)
    ? undefined
    : `${imports}, which is no door of ${targetRoom}/: use what one of its doors offers, or make it a door in src/acceptance/rooms.ts`;
}

/** Returns the problem of the import of a package or a built-in module. */
function packageComplaint(file: string, target: string): string | undefined {
  const homes = packages.filter(({ names }) => names.split(" ").includes(target)).map(({ at }) => at);
  const isHome = (at: string | RegExp) =>
    typeof at === "string" ? file.startsWith(`${at}/`) : at.test(file);
  if (openToAll.includes(target) || homes.some(isHome)) return undefined;
  const advice =
    homes.length > 0
      ? `call what ${homes.map(String).join(", ")} offers instead, or add there what is missing`
      : "no room may: give it one home in src/acceptance/rooms.ts and say why in docs/decisions";
  return `src/${file}.ts imports ${target}, which it may not: ${advice}`;
}

/** Returns the folder of trainers/ that contains a file, if it is a trainer's. */
function trainerOf(file: string): string | undefined {
  return /^trainers\/(?!shared\/)([^/]+)\//.exec(file)?.[1];
}

/** Returns the problem of each import in a text, as if the text were a file of export/. */
function complaintsAbout(text: string, file = "export/csv"): string[] {
  const source = sourceOf(file, text);
  return source.imports.map((target) => complaint(source, target) ?? "fine");
}

test("every folder of src is a room", () => {
  const unknown = [...new Set(sources.map(({ room }) => room))].filter(
    (room) => !order.includes(room) && !scaffolding.includes(room),
  );
  expect(
    unknown.map(
      (room) => `src/${room} is no room: put its files into one, or add it to rooms.ts and src/README.md`,
    ),
  ).toEqual([]);
});

test("rooms import rooms above them, through their doors, and packages that they may", () => {
  const complaints = shipped.flatMap((source) =>
    source.imports.flatMap((target) => complaint(source, target) ?? []),
  );
  expect(complaints).toEqual([]);
});

test("another room imports each door, and an import upward takes types alone", () => {
  const used = shipped.flatMap(({ room, imports }) => imports.filter((target) => roomOf(target) !== room));
  const unused = Object.entries(rooms).flatMap(([room, { doors = [] }]) =>
    doors.map((door) => `${room}/${door}`).filter((door) => !used.some((file) => isNamed(door, file))),
  );
  expect(unused.map((door) => `no other room imports ${door}: take it from the doors`)).toEqual([]);
  const ofTypes = Object.keys(upward).filter((pair) => {
    const [file, target] = pair.split(" ") as [string, string];
    const code = shipped.find((source) => source.file === file)?.code ?? "";
    return new RegExp(`import type [^;]*/${target.split("/").at(-1)}\\.js"`).test(code);
  });
  expect(ofTypes).toEqual(Object.keys(upward));
});

test("console and process are used by the command line only", () => {
  const complaints = shipped
    // programs of use/on-spark/ write to standard streams, which Spark reads; log/spark/executors contains the text of
    // such a program
    .filter(({ file }) => !/^(?:faces\/cli|use\/on-spark)\/|^log\/spark\/executors$/.test(file))
    .flatMap(({ file, code }) =>
      terminal.flatMap(({ name, pattern, but }) =>
        [...code.matchAll(new RegExp(pattern, "g"))]
          .filter((match) => !(but?.file.test(file) && but.pattern.test(code.slice(match.index))))
          .map(
            () =>
              `src/${file}.ts uses ${name}: return a value or call an observer, and let faces/cli/ print it`,
          ),
      ),
    );
  expect(complaints).toEqual([]);
});

test("no result depends on Math.random", () => {
  const complaints = shipped
    .filter(({ code }) => code.includes("Math.random"))
    .map(({ file }) => `src/${file}.ts uses Math.random: draw from dataset/sampling/, by the seed`);
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
          (target) =>
            `src/${file}.ts imports ${target}, which does not ship: move what it needs to base/numeric/`,
        ),
    );
}

test("what ships takes its arithmetic from base/numeric/, never from a reference", () => {
  expect(referencesUsed(shipped)).toEqual([]);
  const planted = sourceOf("compute/solvers/a", 'import { step } from "../kernels/fm/fm.reference.js";');
  expect(referencesUsed([planted])).toEqual([
    expect.stringContaining("imports compute/kernels/fm/fm.reference"),
  ]);
});

test("what only tests import is named as a reference or a test's", () => {
  expect(onlyTested(sources)).toEqual([]);
  const planted = [sourceOf("base/numeric/a", ""), sourceOf("base/numeric/a.test", 'import "./a.js";')];
  expect(onlyTested([...sources, ...planted])).toEqual([expect.stringContaining("src/base/numeric/a.ts")]);
});

/** Returns files that neither the program nor the library nor a worker imports, directly or indirectly. */
function onlyTested(all: readonly ProjectSource[]): string[] {
  const isEntry =
    /\.worker$|^(?:faces\/cli\/main|index|faces\/library\/write-entry|compute\/threads\/thread)$/;
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
    ["compute", "trainers"].includes(roomOf(file)) &&
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
      const rest = /^compute\/kernels\/[^/]+\/binding$/.test(file) ? code.replace(ofLayout, "") : code;
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
    sourceOf("compute/kernels/fm/assembly/a", 'import { b } from "./b";'),
    sourceOf("compute/kernels/fm/assembly/b", 'import { a } from "./a";'),
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
    expect.stringContaining("call what base/io, "),
  ]);
  expect(complaintsAbout('const a = await import("../use/export/export.js");')).toEqual([
    expect.stringContaining("but use/ comes after export/: let the caller pass in"),
  ]);
  expect(complaintsAbout('export * from "../dataset/purposes.js";')).toEqual([
    expect.stringContaining("which is no door of dataset/"),
  ]);
  expect(complaintsAbout('import "../numeric/a.js";', "base/io/a")).toEqual([
    expect.stringContaining("the parts of base/ are in the order errors, io, numeric"),
  ]);
  expect(complaintsAbout('import "../fm/options.js";', "trainers/shared/a")).toEqual([
    expect.stringContaining("knows the trainer fm"),
  ]);
});

// Writes NAME/layout.ts: what TypeScript needs to know of a kernel, as the compiler has it.
//
//   an exported whole number that assembly/ declares   →  a constant of the same name
//   a class that assembly/ declares                    →  a Struct: byte offset and type of each field (shared/struct.ts)
//   exports of main.ts                                 →  interface Kernel: parameters by their names
//
// and shared/layout.ts: the constants and structs that shared/assembly/ declares.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Values of the AssemblyScript compiler's enums: CommonFlags for exported and for constant declarations, LiteralKind
 * for integers.
 */
const EXPORT = 2;
const CONST = 8;
const INTEGER = 1;

const numbers = new Set(["u32", "i32", "f32", "f64", "usize"]);

/**
 * Returns a transform of the AssemblyScript compiler, which writes a kernel's layout.ts.
 *
 * @param folder of the kernel, from the project's root
 * @param root   of the project
 * @param shared map to which the transform adds the declarations of shared/assembly/ that the kernel uses, by name
 */
export const layoutOf = (folder, root, shared) =>
  class {
    afterCompile() {
      const { program } = this;
      writeLayout(join(root, folder), layoutText(kernelOf(program, folder), declarationsOf(program, folder)));
      for (const [name, text] of declarationsOf(program, join(folder, "..", "shared")))
        shared.set(name, text);
    }
  };

/** Writes shared/layout.ts. @param shared declarations by their names */
export function writeSharedLayout(folder, shared) {
  // constants before structs
  const rank = ([name, text]) => (text.startsWith("\n") ? `~${name}` : name);
  const sorted = [...shared].toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  writeLayout(folder, `${header}\n${sorted.map(([, text]) => text).join("")}`);
}

/** Writes the layout.ts of a folder. */
export function writeLayout(folder, text) {
  const path = join(folder, "layout.ts");
  // an unchanged file is not written again, so that programs that watch files ignore it
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

function kernelOf({ filesByName }, folder) {
  const { exports } = filesByName.get(`${folder.replaceAll("\\", "/")}/assembly/main`);
  return [...exports].map(([name, prototype]) => {
    const [{ signature, declaration }] = prototype.instances.values();
    const parameters = signature.parameterTypes.map((type, i) => {
      const { text } = declaration.signature.parameters[i].name;
      return `${text}: ${type.toString() === "bool" ? "boolean | number" : javaScriptType(type)}`;
    });
    const result = signature.returnType.toString();
    return { name, parameters, result: result === "void" ? "void" : javaScriptType(signature.returnType) };
  });
}

/** Returns the JavaScript type of a kernel's parameter or result; pointers, structs and booleans are numbers. */
function javaScriptType(type) {
  const name = type.toString();
  if (name === "i64" || name === "u64") return "bigint";
  return "number";
}

/** Returns the constants and structs that a folder's assembly/ declares, as lines of TypeScript with their names. */
function declarationsOf(program, folder) {
  const members = membersOf(program, folder);
  return [...constantsOf(members), ...structsOf(members)];
}

/** Returns the declarations in a folder's assembly/ files, without those that the files import from another folder. */
function membersOf({ filesByName }, folder) {
  const here = `${folder.replaceAll("\\", "/")}/assembly/`;
  const files = [...filesByName].filter(([name]) => name.startsWith(here));
  const members = new Set(files.flatMap(([, file]) => [...(file.members?.values() ?? [])]));
  return [...members].filter(({ declaration }) => declaration?.range.source.internalPath.startsWith(here));
}

/** Returns the constants: declarations with `export const` and an integer. */
function constantsOf(members) {
  return members.flatMap((member) => {
    const initializer = member.declaration.initializer;
    if (!member.is(EXPORT | CONST) || initializer?.literalKind !== INTEGER) return [];
    return [[member.name, `export const ${member.name} = ${initializer.value};\n`]];
  });
}

function structsOf(members) {
  const classes = new Set(members.flatMap(({ instances }) => [...(instances?.values() ?? [])]));
  return [...classes].flatMap(({ prototype: { name }, members: own, nextMemoryOffset: size }) => {
    const fields = [...(own ?? [])].flatMap(([field, { instance: property }]) =>
      property?.isField ? [{ field, offset: property.memoryOffset, type: fieldType(property.type) }] : [],
    );
    // pads the struct, so that all fields are aligned in an array of structs
    const widest = fields.some(({ type }) => type === "f64") ? 8 : 4;
    const padded = Math.ceil(size / widest) * widest;
    return fields.length === 0 ? [] : [[name, structText(name, padded, fields)]];
  });
}

function fieldType(type) {
  // a field whose type is a class contains a pointer to a struct
  const name = type.classReference ? "usize" : type.toString();
  if (!numbers.has(name))
    throw new Error(`a field of type ${name}: shared/struct.ts reads ${[...numbers].join(", ")}`);
  return name === "usize" ? "u32" : name;
}

const header = "// Written by the build from assembly/ (src/compute/kernels/layout.mjs).\n";

function structText(name, size, fields) {
  const lines = fields.map(({ field, offset, type }) => `    ${field}: ["${type}", ${offset}],\n`);
  return `\nexport const ${name} = {\n  size: ${size},\n  fields: {\n${lines.join("")}  },\n} as const;\n`;
}

function layoutText(functions, declarations) {
  const kernel = functions.map(
    ({ name, parameters, result }) => `  readonly ${name}: (${parameters.join(", ")}) => ${result};\n`,
  );
  return `${header}
/** The kernel's functions; pointers are byte offsets into its memory, booleans that it returns are 0 or 1. */
export interface Kernel {
${kernel.join("")}}

${declarations.map(([, text]) => text).join("")}`;
}

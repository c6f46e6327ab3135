// Writes NAME/layout.ts: what TypeScript needs to know of a kernel, as the compiler has it.
//
//   an exported whole number of assembly/   →  a constant of the same name
//   a class of assembly/                    →  a Struct: byte offset and type of each field (shared/struct.ts)
//   exports of main.ts                      →  interface Kernel: parameters by their names
//
// and shared/layout.ts: the constants of shared/assembly/.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** CommonFlags and LiteralKind of the compiler. */
const EXPORT = 2;
const CONST = 8;
const INTEGER = 1;

const numbers = new Set(["u32", "i32", "f32", "f64", "usize"]);

/**
 * A transform of the compiler.
 *
 * @param folder of the kernel, from the project's root
 * @param root   of the project
 * @param shared what the kernel has compiled of the shared constants is added here
 */
export const layoutOf = (folder, root, shared) =>
  class {
    afterCompile() {
      const { program } = this;
      const text = layoutText(
        kernelOf(program, folder),
        constantsOf(program, folder),
        structsOf(program, folder),
      );
      writeLayout(join(root, folder), text);
      for (const [name, value] of constantsOf(program, join(folder, "..", "shared"))) shared.set(name, value);
    }
  };

/** Writes shared/layout.ts. @param shared the constants, by their names */
export function writeSharedLayout(folder, shared) {
  const sorted = [...shared].toSorted(([a], [b]) => (a < b ? -1 : 1));
  writeLayout(folder, header + constantsText(sorted));
}

function writeLayout(folder, text) {
  const path = join(folder, "layout.ts");
  // what is unchanged stays as it is, for whoever watches files
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

/** Pointers, structs and booleans are numbers. */
function javaScriptType(type) {
  const name = type.toString();
  if (name === "i64" || name === "u64") return "bigint";
  return "number";
}

/** What the files of a folder's assembly/ declare or import. */
function membersOf({ filesByName }, folder) {
  const here = `${folder.replaceAll("\\", "/")}/assembly/`;
  const files = [...filesByName].filter(([name]) => name.startsWith(here));
  return files.flatMap(([, { members }]) => [...(members?.values() ?? [])]);
}

/** Those that are declared with `export const` and a whole number: names and values. */
function constantsOf(program, folder) {
  const exported = membersOf(program, folder).flatMap((member) => {
    const initializer = member.declaration?.initializer;
    return member.is(EXPORT | CONST) && initializer?.literalKind === INTEGER
      ? [[member.name, initializer.value.toString()]]
      : [];
  });
  return [...new Map(exported)];
}

function structsOf(program, folder) {
  const elements = membersOf(program, folder);
  // a class is a member of the files that import it, too
  const classes = new Set(elements.flatMap(({ instances }) => [...(instances?.values() ?? [])]));
  return [...classes].flatMap(({ prototype, members, nextMemoryOffset: size }) => {
    const fields = [...(members ?? [])].flatMap(([field, { instance: property }]) =>
      property?.isField ? [{ field, offset: property.memoryOffset, type: fieldType(property.type) }] : [],
    );
    // one after another, all fields are aligned
    const widest = fields.some(({ type }) => type === "f64") ? 8 : 4;
    const padded = Math.ceil(size / widest) * widest;
    return fields.length === 0 ? [] : [{ name: prototype.name, size: padded, fields }];
  });
}

function fieldType(type) {
  // another struct is a pointer
  const name = type.classReference ? "usize" : type.toString();
  if (!numbers.has(name))
    throw new Error(`a field of type ${name}: shared/struct.ts reads ${[...numbers].join(", ")}`);
  return name === "usize" ? "u32" : name;
}

const header = "// Written by the build from assembly/ (src/kernels/layout.mjs).\n";

function constantsText(constants) {
  return constants.length === 0
    ? ""
    : `\n${constants.map(([name, value]) => `export const ${name} = ${value};\n`).join("")}`;
}

function layoutText(functions, constants, structs) {
  const kernel = functions.map(
    ({ name, parameters, result }) => `  readonly ${name}: (${parameters.join(", ")}) => ${result};\n`,
  );
  const layouts = structs.map(({ name, size, fields }) => {
    const lines = fields.map(({ field, offset, type }) => `    ${field}: ["${type}", ${offset}],\n`);
    return `\nexport const ${name} = {\n  size: ${size},\n  fields: {\n${lines.join("")}  },\n} as const;\n`;
  });
  return `${header}
/** The kernel's functions; pointers are byte offsets into its memory, booleans that it returns are 0 or 1. */
export interface Kernel {
${kernel.join("")}}
${constantsText(constants)}${layouts.join("")}`;
}

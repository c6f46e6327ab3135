// Writes NAME/layout.ts: what TypeScript needs to know of a kernel, as the compiler has it.
//
//   a class of assembly/     →  a Struct: byte offset and type of each field (shared/struct.ts)
//   exports of main.ts       →  interface Kernel: parameters by their names
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const numbers = new Set(["u32", "i32", "f32", "f64", "usize"]);

/** A transform of the compiler. @param folder of the kernel, from the project's root @param root of the project */
export const layoutOf = (folder, root) =>
  class {
    afterCompile() {
      const { program } = this;
      const text = layoutText(kernelOf(program, folder), structsOf(program, folder));
      const path = join(root, folder, "layout.ts");
      // what is unchanged stays as it is, for whoever watches files
      if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
    }
  };

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

function structsOf({ filesByName }, folder) {
  const here = `${folder.replaceAll("\\", "/")}/assembly/`;
  const files = [...filesByName].filter(([name]) => name.startsWith(here));
  const elements = files.flatMap(([, { members }]) => [...(members?.values() ?? [])]);
  // a class is a member of the files that import it, too
  const classes = new Set(elements.flatMap(({ instances }) => [...(instances?.values() ?? [])]));
  return [...classes].flatMap(({ prototype, members, nextMemoryOffset: size }) => {
    const fields = [...(members ?? [])].flatMap(([field, { instance: property }]) =>
      property?.isField ? [{ field, offset: property.memoryOffset, type: fieldType(property.type) }] : [],
    );
    return fields.length === 0 ? [] : [{ name: prototype.name, size, fields }];
  });
}

function fieldType(type) {
  // another struct is a pointer
  const name = type.classReference ? "usize" : type.toString();
  if (!numbers.has(name)) throw new Error(`a field of type ${name}: shared/struct.ts reads ${[...numbers]}`);
  return name === "usize" ? "u32" : name;
}

function layoutText(functions, structs) {
  const kernel = functions.map(
    ({ name, parameters, result }) => `  ${name}(${parameters.join(", ")}): ${result};\n`,
  );
  const constants = structs.map(({ name, size, fields }) => {
    const lines = fields.map(({ field, offset, type }) => `    ${field}: ["${type}", ${offset}],\n`);
    return `\nexport const ${name} = {\n  size: ${size},\n  fields: {\n${lines.join("")}  },\n} as const;\n`;
  });
  return `// Written by the build from assembly/ (src/kernels/layout.mjs).

/** The kernel's functions; pointers are byte offsets into its memory, booleans that it returns are 0 or 1. */
export interface Kernel {
${kernel.join("")}}
${constants.join("")}`;
}

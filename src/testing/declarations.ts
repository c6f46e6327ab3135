// Reads exported types and functions of the package, and the types that they refer to, from dist/*.d.ts.
//
// The compiler's files are regular: a declaration starts at the left margin, after its doc comment, and so does its
// last line.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** An interface, a type, a class or a function. */
export interface Declaration {
  name: string;
  kind: "interface" | "type" | "class" | "function";
  /** path of the file that contains the declaration */
  file: string;
  /** the text of its doc comment, empty without one */
  about: string;
  /** text of the declaration as TypeScript, without `export declare` */
  text: string;
}

/** A cache of the types, functions and variables that TypeScript files declare. */
export class Declarations {
  readonly #files = new Map<string, { declared: Map<string, Declaration>; imported: Map<string, Place> }>();

  /**
   * Returns the declaration of a name that a file exports, in whichever file it is declared; undefined if it belongs to
   * another package.
   */
  find(file: string, name: string): Declaration | undefined {
    const { declared, imported } = this.#read(file);
    const place = imported.get(name);
    return declared.get(name) ?? (place && this.find(place.file, place.name));
  }

  /** Returns the declarations that a file re-exports, in order. */
  exportsOf(file: string): Declaration[] {
    return [...this.#read(file).imported.keys()].flatMap((name) => this.find(file, name) ?? []);
  }

  /** Returns the types of the package that a declaration refers to, except itself. */
  namedBy(declaration: Declaration): Declaration[] {
    const names = new Set(withoutComments(declaration.text).match(/(?<![.\w'"])[A-Z]\w*(?!\w*\??:)/g));
    return [...names]
      .flatMap((name) => this.find(declaration.file, name) ?? [])
      .filter(({ kind, name }) => kind !== "function" && name !== declaration.name);
  }

  #read(file: string) {
    const known = this.#files.get(file);
    if (known) return known;
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    const declared = new Map<string, Declaration>();
    const head =
      /(?:^\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?^(?:export |declare |abstract )+(interface|type|class|function) (\w+)/gm;
    for (const { 0: whole, 1: comment = "", 2: kind, 3: name, index } of text.matchAll(head)) {
      if (declared.has(name!)) continue;
      const start = index + (comment === "" ? 0 : whole.indexOf("*/") + 3);
      declared.set(name!, {
        name: name!,
        kind: kind as Declaration["kind"],
        file,
        about: comment.replaceAll(/^ *\* ?/gm, "").trim(),
        text: text
          .slice(start, endOf(text, start, kind!))
          .replace(/^(?:export |declare )+/, "")
          .replaceAll("    ", "  "),
      });
    }
    const imported = new Map<string, Place>();
    for (const [, list, from] of text.matchAll(
      /^(?:import|export)(?: type)? \{([^}]*)\} from "(\.[^"]*)";$/gm,
    ))
      for (const each of list!.split(",").filter((part) => part.trim() !== "")) {
        const [name, as = name] = each
          .trim()
          .replace(/^type /, "")
          .split(" as ");
        imported.set(as!, { file: join(dirname(file), from!.replace(/\.js$/, ".d.ts")), name: name! });
      }
    const found = { declared, imported };
    this.#files.set(file, found);
    return found;
  }
}

interface Place {
  file: string;
  name: string;
}

/**
 * Returns the offset at which a declaration ends: after the brace that closes its body, or after the first semicolon
 * outside of braces.
 */
function endOf(text: string, start: number, kind: string): number {
  if (kind === "interface" || kind === "class") {
    const line = text.indexOf("\n", start);
    return text[line - 1] === "}" ? line : text.indexOf("\n}", start) + 2;
  }
  let depth = 0;
  // braces in comments are counted too; in these files they always match
  for (let at = start; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}") depth--;
    else if (text[at] === ";" && depth === 0) return at + 1;
  }
  return text.length;
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*\*[\s\S]*?\*\//g, "");
}

// Finds code that looks names up in objects, using types: `name in object`, and `object[name]` where any string may be
// a key.
//
// Objects inherit names (`constructor`, `__proto__`), so a name from a log or a file needs Object.hasOwn, a Map, or
// Object.fromEntries, which also defines names that an assignment would interpret as the prototype.

import { relative } from "node:path";
import { SyntaxKind, type Node, type SourceFile } from "typescript/unstable/ast";
import {
  isBinaryExpression,
  isCallExpression,
  isDeleteExpression,
  isElementAccessExpression,
  isStringLiteral,
} from "typescript/unstable/ast/is";
import { API, type Checker, type Type } from "typescript/unstable/sync";

/** An expression that looks a name up in an object. */
export interface NameLookup {
  /** path of the file, relative to the folder */
  file: string;
  line: number;
  kind: "in" | "read" | "write";
  /** text of the expression, on one line */
  text: string;
  /** text of the object in which the name is looked up */
  object: string;
}

/**
 * Returns the expressions that look a name up in an object, in the project of a folder.
 *
 * @param files pattern of the searched files' paths, relative to the folder
 */
export function nameLookups(folder: string, files: RegExp): NameLookup[] {
  const api = new API({ cwd: folder });
  try {
    const snapshot = api.updateSnapshot({ openProjects: [`${folder}/tsconfig.json`] });
    const [project] = snapshot.getProjects();
    const { program, checker } = project!;
    return program.getSourceFileNames().flatMap((path) => {
      const file = relative(folder, path).replaceAll("\\", "/");
      return files.test(file) ? lookupsIn(program.getSourceFile(path)!, file, checker) : [];
    });
  } finally {
    api.close();
  }
}

function lookupsIn(source: SourceFile, file: string, checker: Checker): NameLookup[] {
  const found: NameLookup[] = [];
  const add = (kind: NameLookup["kind"], node: Node, object: Node) => {
    const line = source.text.slice(0, node.getStart(source)).split("\n").length;
    found.push({ file, line, kind, text: textOf(node, source), object: textOf(object, source) });
  };
  const visit = (node: Node): void => {
    if (isBinaryExpression(node) && node.operatorToken.kind === SyntaxKind.InKeyword) {
      if (!isStringLiteral(node.left)) add("in", node, node.right);
    } else if (isElementAccessExpression(node)) {
      const { expression, argumentExpression } = node;
      if (
        isAnyText(argumentExpression, checker) &&
        hasAnyKey(checker.getTypeAtLocation(expression), checker)
      ) {
        const isWritten = isTarget(node);
        if (isWritten || !isChecked(node, source)) add(isWritten ? "write" : "read", node, expression);
      }
    } else if (isCallExpression(node) && textOf(node.expression, source) === "Object.assign") {
      if (node.arguments.some((one) => hasAnyKey(checker.getTypeAtLocation(one), checker)))
        add("write", node, node.arguments[0]!);
    }
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

function textOf(node: Node, source: SourceFile): string {
  return source.text.slice(node.getStart(source), node.end).replaceAll(/\s+/g, " ");
}

/** Whether an expression may be any string, instead of one of a fixed set of strings. */
function isAnyText(node: Node, checker: Checker): boolean {
  if (isStringLiteral(node)) return false;
  const type = checker.getTypeAtLocation(node);
  return type !== undefined && /(?:^|\W)string(?:$|\W)/.test(checker.typeToString(type));
}

/** Whether a type is an object whose keys may be any text. */
function hasAnyKey(type: Type | undefined, checker: Checker): boolean {
  if (type === undefined) return false;
  const known = checker.getNonNullableType(type) ?? type;
  return checker.getIndexInfosOfType(known).some(({ keyType }) => checker.typeToString(keyType) === "string");
}

/** Whether an expression is assigned to, or deleted. */
function isTarget(node: Node): boolean {
  const { parent } = node;
  if (isDeleteExpression(parent)) return true;
  const isAssigned = isBinaryExpression(parent) && parent.left === node;
  const operator = isAssigned ? parent.operatorToken.kind : SyntaxKind.Unknown;
  return operator >= SyntaxKind.FirstAssignment && operator <= SyntaxKind.LastAssignment;
}

/**
 * Whether the function or other top-level statement around an expression contains Object.hasOwn of the same object and
 * name.
 */
function isChecked(node: Node, source: SourceFile): boolean {
  if (!isElementAccessExpression(node)) return false;
  const [object, name] = [textOf(node.expression, source), textOf(node.argumentExpression, source)];
  const check = `Object.hasOwn(${object}, ${name})`;
  // finds the top-level statement that contains the expression
  let at: Node = node;
  while (at.parent.kind !== SyntaxKind.SourceFile) at = at.parent;
  return textOf(at, source).includes(check);
}

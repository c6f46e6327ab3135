// Where code looks names up in objects, found with types: `name in object`, and `object[name]` where any string may be a key.
//
// Objects inherit names (`constructor`, `__proto__`), so a name from a log or a file needs Object.hasOwn, a Map, or
// Object.fromEntries, which defines what an assignment may set as the prototype.

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

/** A name that is looked up in an object. */
export interface NameLookup {
  /** path from the folder */
  file: string;
  line: number;
  kind: "in" | "read" | "write";
  /** the expression, on one line */
  text: string;
  /** the object in it */
  object: string;
}

/** All of them in the project of a folder, in files whose path from there matches. */
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

/** Whether an expression may be any text, and not one of a closed set. */
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

/** Whether Object.hasOwn of the same object and name stands in the function, or in the other statement of the file, around an expression. */
function isChecked(node: Node, source: SourceFile): boolean {
  if (!isElementAccessExpression(node)) return false;
  const [object, name] = [textOf(node.expression, source), textOf(node.argumentExpression, source)];
  const check = `Object.hasOwn(${object}, ${name})`;
  // up to the statement of the file
  let at: Node = node;
  while (at.parent.kind !== SyntaxKind.SourceFile) at = at.parent;
  return textOf(at, source).includes(check);
}

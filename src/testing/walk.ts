// Follows a parameter through the calls that pass it on, in the order of the code. A stay is a run of functions in one
// file; a climb is a stay in a higher room than the stay before it.
//
// The value is followed into variables, members, callbacks of its methods, objects that hold it, and into what a
// function of the project returns of it. A function that it passes a second time counts, but is not walked again.

import { relative } from "node:path";
import {
  SyntaxKind,
  type BindingName,
  type CallExpression,
  type FunctionLikeDeclaration,
  type NewExpression,
  type Node,
} from "typescript/unstable/ast";
import * as is from "typescript/unstable/ast/is";
import { API, type Project } from "typescript/unstable/sync";

/** Functions of one file (its path from src/, without .ts) that the value passes through one after the other. */
interface Stay {
  file: string;
  functions: string[];
}

/** Whether an expression has the value: itself (true), or as these members. */
type Carried = boolean | ReadonlySet<string>;

/** Returns the stays of parameters: each a FILE:FUNCTION:PARAMETER, the file by its path from src/, without .ts. */
export function walks(folder: string, starts: readonly string[]): Stay[][] {
  const api = new API({ cwd: folder });
  try {
    const [project] = api.updateSnapshot({ openProjects: [`${folder}/tsconfig.json`] }).getProjects();
    return starts.map((start) => walk(project!, folder, start));
  } finally {
    api.close();
  }
}

/** Counts the stays that follow a stay in a lower room. @param rooms names of the rooms, from the lowest */
export function climbs(stays: readonly Stay[], rooms: readonly string[]): number {
  const heights = stays.map(({ file }) => rooms.indexOf(file.split("/")[0]!));
  return heights.filter((height, i) => i > 0 && height > heights[i - 1]!).length;
}

function walk(project: Project, folder: string, start: string): Stay[] {
  const [path, called, parameter] = start.split(":") as [string, string, string];
  const stays: Stay[] = [];
  const passed = new Map<string, Carried>();
  let carried = new Map<string, Carried>();
  let returned: Carried = false;

  /** Walks through a function, and returns what its result has of the value. @param given by position */
  const enter = (called: FunctionLikeDeclaration, given: ReadonlyMap<number, Carried>): Carried => {
    const [file, name] = [fileOf(called, folder), nameOf(called)];
    const last = stays.at(-1);
    if (last?.file === file) last.functions.push(name);
    else stays.push({ file, functions: [name] });
    const shape = [...given].map(([at, value]) => [at, ...(typeof value === "boolean" ? [] : value)].join());
    const key = `${file} ${called.pos} ${shape.join(" ")}`;
    if (passed.has(key)) return passed.get(key)!;
    passed.set(key, false);
    const outer = [carried, returned] as const;
    [carried, returned] = [new Map(), false];
    called.parameters.forEach((one, at) => {
      bind(one.name, given.get(one.dotDotDotToken ? Math.max(at, ...given.keys()) : at) ?? false);
    });
    const result = bodyOf(called);
    [carried, returned] = outer;
    passed.set(key, result);
    return result;
  };

  /** Walks through a body with the names around it. */
  const bodyOf = (called: FunctionLikeDeclaration): Carried => {
    const outer = returned;
    returned = false;
    const value = called.body !== undefined && visit(called.body);
    const result = is.isArrowFunction(called) && !is.isBlock(called.body) ? value : returned;
    returned = outer;
    return result;
  };

  const bind = (name: BindingName, value: Carried): void => {
    if (value === false) return;
    if (is.isIdentifier(name)) carried.set(name.text, value);
    else
      for (const { name: element, propertyName = element, dotDotDotToken } of name.elements)
        if (element) bind(element, dotDotDotToken ? value : memberOf(value, propertyName!.getText()));
  };

  /** Visits the arguments of a call, then the called function, if it is the project's. */
  const call = (node: CallExpression | NewExpression): Carried => {
    const { expression } = node;
    const receiver = is.isPropertyAccessExpression(expression) ? visit(expression.expression) : false;
    const given = new Map<number, Carried>();
    let mapped: Carried = false;
    node.arguments?.forEach((argument, at) => {
      if (is.isArrowFunction(argument) || is.isFunctionExpression(argument)) {
        if (receiver !== false) argument.parameters.forEach(({ name }) => bind(name, receiver));
        mapped = either(mapped, bodyOf(argument));
      } else {
        const value = visit(argument);
        if (value !== false) given.set(at, value);
      }
    });
    if (given.size > 0) {
      const declared = project.checker.getResolvedSignature(node)?.declaration?.resolve(project);
      if (declared && is.isFunctionLikeDeclaration(declared) && declared.body) return enter(declared, given);
    }
    const method = is.isPropertyAccessExpression(expression) ? expression.name.text : "";
    return either(mapped, keeping.has(method) && receiver);
  };

  const visit = (node: Node): Carried => {
    if (is.isIdentifier(node)) return carried.get(node.text) ?? false;
    if (is.isPropertyAccessExpression(node)) return memberOf(visit(node.expression), node.name.text);
    if (is.isCallExpression(node) || is.isNewExpression(node)) return call(node);
    if (is.isObjectLiteralExpression(node)) {
      const members = new Set<string>();
      for (const one of node.properties) {
        const value = visit(is.isPropertyAssignment(one) ? one.initializer : one);
        if (is.isSpreadAssignment(one)) {
          if (value === true) return true;
          if (value !== false) for (const name of value) members.add(name);
        } else if (value !== false && one.name) members.add(one.name.getText());
      }
      return members.size > 0 && members;
    }
    if (is.isConditionalExpression(node)) {
      visit(node.condition);
      return either(visit(node.whenTrue), visit(node.whenFalse));
    }
    if (is.isBinaryExpression(node)) {
      const [left, right] = [visit(node.left), visit(node.right)];
      const operator = node.operatorToken.getText();
      if (operator === "=" && is.isIdentifier(node.left)) bind(node.left, right);
      if (operator === "=" || operator === "&&") return right;
      return (operator === "??" || operator === "||") && either(left, right);
    }
    if (is.isVariableDeclaration(node) && node.initializer) bind(node.name, visit(node.initializer));
    else if (is.isForOfStatement(node)) {
      const value = visit(node.expression);
      if (is.isVariableDeclarationList(node.initializer)) bind(node.initializer.declarations[0]!.name, value);
      visit(node.statement);
    } else if (is.isReturnStatement(node) && node.expression)
      returned = either(returned, visit(node.expression));
    else if (is.isFunctionLikeDeclaration(node)) bodyOf(node);
    else {
      let inside: Carried = false;
      node.forEachChild((child) => {
        inside = either(inside, visit(child));
      });
      return passesOn.test(SyntaxKind[node.kind]) && inside;
    }
    return false;
  };

  const source = project.program.getSourceFile(`${folder}/src/${path}.ts`);
  let found: FunctionLikeDeclaration | undefined;
  const search = (node: Node): void => {
    if (is.isFunctionLikeDeclaration(node) && nameOf(node) === called) found ??= node;
    node.forEachChild(search);
  };
  if (source) search(source);
  const at = found?.parameters.findIndex(({ name }) => name.getText() === parameter) ?? -1;
  if (found === undefined || at < 0) throw new Error(`there is no ${start}`);
  enter(found, new Map([[at, true]]));
  return stays;
}

/** Methods that return the value or some of it. */
const keeping: ReadonlySet<string> = new Set(
  "at concat filter find keys slice sort toSorted values".split(" "),
);

/** Expressions that have the value if a part of them has it. */
const passesOn =
  /^(?:ArrayLiteral|As|Await|ElementAccess|NonNull|Parenthesized|Satisfies)Expression|^(?:Spread|Shorthand)/;

function memberOf(value: Carried, name: string): Carried {
  return typeof value === "boolean" ? value : value.has(name);
}

function either(one: Carried, other: Carried): Carried {
  if (typeof one === "boolean" || typeof other === "boolean") return one === true || other || one;
  return new Set([...one, ...other]);
}

function nameOf(called: FunctionLikeDeclaration): string {
  const { parent } = called;
  const around = is.isVariableDeclaration(parent) || is.isClassDeclaration(parent) ? parent.name : undefined;
  return (
    (is.isArrowFunction(called) || is.isConstructorDeclaration(called) ? around : called.name)?.getText() ??
    ""
  );
}

function fileOf(node: Node, folder: string): string {
  return relative(`${folder}/src`, node.getSourceFile().fileName).replaceAll("\\", "/").replace(/\.ts$/, "");
}

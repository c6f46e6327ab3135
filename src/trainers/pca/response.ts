// --response: a filter h of the singular values of the degree-normalized matrix, which weights their contributions to a
// score.
//
//   R = D_u^-1/2 W D_i^-1/2 = U S V'      P = R'R, eigenvalues s^2 in [0, 1]
//   score(u, i) = (r_u D_i^-b V h(S) V' D_i^b)_i          b  --degree-power      r_u  the user's row of W
//
//   ideal     h = 1            power=P  h = s^P           exp=B  h = exp(-B (1 - s^2))
//   plateau=P                  a polynomial c(P) in place of V h V', which includes all directions; the product is
//                              decomposed again: (D_u^-1/2 W D_i^-b c(P) D_i^b) ~ U S V', whose scores are the filter's
//
// Source: Shen et al. 2021 (GF-CF, arXiv:2108.07567) for the ideal filter; Kim et al. 2025 (ChebyCF, arXiv:2505.00552)
// for the plateau, the degree's power and the polynomial.

import { exp, pow } from "../../numeric/exp.js";
import { UsageError } from "../../errors.js";
import { FLATNESS } from "../../solvers/graph-filter/plateau.js";

export interface Response {
  kind: "ideal" | "power" | "exp" | "plateau";
  value?: number;
}

/** Parses `ideal`, `power=0.5`, `exp=2`, `plateau` or `plateau=1.5`. @throws {UsageError} anything else */
export function responseOf(text: string): Response {
  const [, kind, number] = /^(ideal|power|exp|plateau)(?:=(\d+(?:\.\d+)?))?$/u.exec(text) ?? [];
  const value = number === undefined ? undefined : Number(number);
  const needs = kind === "power" || kind === "exp";
  if (kind === undefined || (kind === "ideal" && value !== undefined) || (needs && value === undefined))
    throw new UsageError(
      `--response expects ideal, power=0.5, exp=2 or plateau=1.5 (numbers of at least 0), got '${text}'`,
    );
  if (kind === "plateau") return { kind, value: value ?? FLATNESS };
  return { kind: kind as Response["kind"], value };
}

/** Returns the filter's value h for each singular value. @param singularValues in [0, 1] */
export function responses(singularValues: Float64Array, { kind, value = 0 }: Response): Float64Array {
  if (kind === "power") return singularValues.map((s) => pow(s, value));
  if (kind === "exp") return singularValues.map((s) => exp(-value * (1 - s * s)));
  return singularValues.map(() => 1);
}

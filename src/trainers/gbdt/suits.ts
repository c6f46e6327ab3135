// What a comparison trains of train-gbdt.

import { PREDICTS_ONLY, type LogTraits, type Suits } from "../../training/session/trainer.js";
import type { GivenGbdt } from "./options.js";

/** Trees of the columns as they are; where there are users or items, also with their label rates in place of their ids. */
export function suits({ goal, roles: { user, item, fields } }: LogTraits): Suits {
  if (goal === "lists") return PREDICTS_ONLY;
  const ctr = [user, item].filter((name) => name !== undefined && fields.includes(name)) as string[];
  const byRates: GivenGbdt = { ctr };
  return {
    candidates: [
      { name: "gbdt", options: {}, effort: 4 },
      ...(ctr.length > 0 ? [{ name: "gbdt-ctr", options: byRates, effort: 5 }] : []),
    ],
  };
}

// The generated fixtures: name, seed and size of each file are defined only here.

import { readFileSync } from "node:fs";
import { fixture } from "./places.js";
import {
  plantedClicks,
  plantedEdges,
  plantedPurchases,
  plantedRatings,
  type PlantedClicks,
} from "./planted.js";

/** Returns the log of fixtures/clicks.csv, with the true probabilities it was drawn from. */
export function clicksFixture(): PlantedClicks {
  return plantedClicks(7, 12_000);
}

/** Returns every generated file in fixtures/, by name. */
export function fixtures(): Record<string, string> {
  const { ratings, items } = plantedRatings(11, 6_000);
  return {
    "clicks.csv": clicksFixture().csv,
    "purchases.csv": plantedPurchases(9, 6_000),
    "ratings.csv": ratings,
    "items.csv": items,
    "edges.csv": plantedEdges(13, 800),
  };
}

/** Returns a log of fixtures/ with every third row, for commands that the other rows would only slow down. */
export function thirdOfFixture(name: string): string {
  const [header, ...rows] = readFileSync(fixture(name), "utf8").trimEnd().split("\n");
  return `${[header, ...rows.filter((_, row) => row % 3 === 0)].join("\n")}\n`;
}

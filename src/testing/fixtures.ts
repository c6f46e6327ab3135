// The generated fixtures: name, seed and size of each file are defined only here.

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

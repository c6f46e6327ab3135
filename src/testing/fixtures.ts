// The fixtures that ship, as the generator makes them: each file's name, seed and size are decided here and nowhere else.

import {
  plantedClicks,
  plantedEdges,
  plantedPurchases,
  plantedRatings,
  type PlantedClicks,
} from "./planted.js";

/** The log of fixtures/clicks.csv, with the truth it was drawn from. */
export function clicksFixture(): PlantedClicks {
  return plantedClicks(7, 12_000);
}

/** Every generated file in fixtures/: its name and its text. */
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

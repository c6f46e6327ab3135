// Distance between two items: great-circle distance by latitude and longitude, or Euclidean distance in numeric
// columns.
//
//   great circle   (lat, lon) in degrees ──► a point on the unit sphere; chords and arcs have the same order
//   Euclidean      the numbers of the columns, unchanged

import { UsageError } from "../../base/errors.js";
import { cosDegrees, sinDegrees } from "../../base/numeric/degrees.js";
import type { DistanceKind } from "../../training/shared-options/transform-options.js";

/** Mean radius of the Earth in kilometres. */
const EARTH_KM = 6371.0088;

const LATITUDES = ["lat", "latitude"];
const LONGITUDES = ["lon", "lng", "long", "longitude"];

export interface Distance {
  kind: DistanceKind;
  /** names of the columns; for great circles, latitude is first */
  columns: string[];
  dims: number;
  /** converts numbers f64[n * columns.length] to coordinates of points f64[n * dims] */
  points: (numbers: Float64Array) => Float64Array;
  /** formats a distance, which is given by the squared distance of the points */
  text: (squared: number) => string;
  /** permitted range of the numbers in a column; any number if undefined */
  rangeOf: (column: string) => { from: number; to: number; expected: string } | undefined;
}

/**
 * Names such as `lat,lon`, `latitude,longitude` or `start_lat,start_lng` select great circles.
 *
 * @param given kind of distance that the user chose; if undefined, the names decide
 */
export function distanceOf(columns: readonly string[], given: DistanceKind | undefined): Distance {
  const twice = columns.find((name, i) => columns.indexOf(name) !== i);
  if (twice !== undefined) throw new UsageError(`--distance names column '${twice}' twice`);
  if (columns.length === 0) throw new UsageError("--distance expects numeric columns, such as lat,lon");
  const [latitude, longitude] = [columns.find(isOne(LATITUDES)), columns.find(isOne(LONGITUDES))];
  const isPair = columns.length === 2 && latitude !== undefined && longitude !== undefined;
  if (given === "euclidean") return euclidean(columns);
  if (isPair) return greatCircle(latitude, longitude);
  if (given === "great-circle") {
    const [first, second] = columns;
    const isTurned = second !== undefined && (second === latitude || first === longitude);
    if (columns.length === 2) return isTurned ? greatCircle(second, first!) : greatCircle(first!, second!);
    throw new UsageError(
      "--distance-kind great-circle needs two columns, latitude and longitude in degrees, got " +
        `${columns.length}: ${columns.join(", ")}`,
    );
  }
  if (latitude === undefined && longitude === undefined) return euclidean(columns);
  throw new UsageError(
    `--distance ${columns.join(",")}: '${latitude ?? longitude}' looks like degrees. Use only latitude and ` +
      "longitude for great-circle distance, or --distance-kind euclidean to use the numbers unchanged",
  );
}

function isOne(words: readonly string[]): (name: string) => boolean {
  return (name) =>
    name.split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])/).some((word) => words.includes(word.toLowerCase()));
}

function greatCircle(latitude: string, longitude: string): Distance {
  return {
    kind: "great-circle",
    columns: [latitude, longitude],
    dims: 3,
    points(numbers) {
      const n = numbers.length / 2;
      const points = new Float64Array(3 * n);
      for (let i = 0; i < n; i++) {
        const [lat, lon] = [numbers[2 * i]!, numbers[2 * i + 1]!];
        const flat = cosDegrees(lat);
        points.set([flat * cosDegrees(lon), flat * sinDegrees(lon), sinDegrees(lat)], 3 * i);
      }
      return points;
    },
    text(squared) {
      const km = 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(squared) / 2));
      return km < 1 ? `${Math.round(1000 * km)} m` : `${Number(km.toPrecision(3))} km`;
    },
    rangeOf(column) {
      const [what, most] = column === latitude ? ["latitude", 90] : ["longitude", 180];
      const expected = `expected a ${what} in degrees from -${most} to ${most}`;
      return { from: -most, to: most, expected };
    },
  };
}

function euclidean(columns: readonly string[]): Distance {
  return {
    kind: "euclidean",
    columns: [...columns],
    dims: columns.length,
    points: (numbers) => numbers,
    text: (squared) => String(Number(Math.sqrt(squared).toPrecision(3))),
    rangeOf: () => undefined,
  };
}

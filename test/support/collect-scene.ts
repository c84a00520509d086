import { numbered, unnumbered } from "./collecting.js";

/* What the collector of a kill sweep collects. */

/** Two records to a file: every batch crosses rotations. */
export const OPTIONS = { maxBytes: 100, backupCount: 1000 };

export const MESSAGES = [
  numbered(1, "a", 1, 3),
  numbered(2, "b", 1, 2),
  unnumbered(3, "s", 0),
  numbered(5, "a", 4, 3),
  unnumbered(6, "s", 1),
];

/** How many records of each writer there are. */
export const COUNTS = new Map([
  ["a", 6],
  ["b", 2],
  ["s", 2],
]);

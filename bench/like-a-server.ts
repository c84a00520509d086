import { setImmediate } from "node:timers/promises";

/* Each record is a text of its own, and the event loop is free once in so many records, as where requests are answered. */

/** Records. */
const TURN = 64;
const DIGITS = 12;

/** @returns makes the text of a record, whose bytes are so many with its terminator */
export function freshTexts(bytes: number): (i: number) => string {
  const filler = "x".repeat(bytes - DIGITS - 2);
  return (i) => `${String(i).padStart(DIGITS, "0")} ${filler}`;
}

/** Resolves in a later turn after each record that ends one; else undefined, which need not be awaited. */
export function endOfTurn(i: number): Promise<unknown> | undefined {
  return i % TURN === TURN - 1 ? setImmediate() : undefined;
}

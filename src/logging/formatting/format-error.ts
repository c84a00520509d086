import { LogFileError } from "../../base/errors.js";

// A width can stand in a configuration that others have written.
const LARGEST = 100_000;
const LONGEST = 1000; // characters of a message, in which a whole format may stand

/** A format, or a value that does not fit one. The messages are Python's. */
export function formatError(message: string, cause?: unknown): LogFileError {
  return new LogFileError("ERR_CLH_FORMAT", shortened(message), cause === undefined ? {} : { cause });
}

/** A message that is not longer than is good for a log. */
export function shortened(message: string): string {
  return message.length > LONGEST ? `${message.slice(0, LONGEST)}…` : message;
}

/** A width or precision, refused when it would fill the memory. */
export function checkSize(size: number, what: "width" | "precision"): number {
  if (size > LARGEST) throw formatError(`${what} too big`);
  return size;
}

/** What a value of the wrong type is called in a message. */
export function typeName(value: unknown): string {
  if (typeof value === "string") return "str";
  if (typeof value === "number") return "float";
  if (typeof value !== "object" || value === null) return String(value === null ? null : typeof value);
  return (value.constructor as { name?: string } | undefined)?.name ?? "object";
}

import * as v from "valibot";
import { moreThanNothing, parseQueueBytes, parseSize } from "./parsers.js";
import { converted, duration, oneOf, parse } from "./validation.js";

export const queueSchema = v.strictObject({
  mode: v.picklist(["batched", "background"], '"sync", "batched" or "background"'),
  queueBytes: v.optional(converted(parseQueueBytes, 'a size below 2 GiB such as "16MiB"'), 16 * 1024 ** 2),
  overflow: v.optional(oneOf(["block", "drop-newest", "drop-oldest"]), "block"),
  maxBatchBytes: v.optional(
    converted(moreThanNothing(parseSize), 'a size such as "256KiB", or a number of bytes'),
    256 * 1024,
  ),
  flushInterval: v.optional(duration, 0),
});

/** The option `delivery` in its long form; undefined for what is none. */
export function parseDelivery(value: unknown): { mode: "sync" } | v.InferOutput<typeof queueSchema> | undefined {
  const given = typeof value === "string" ? { mode: value } : value;
  if (typeof given !== "object" || given === null || !("mode" in given)) return undefined;
  if (given.mode === "sync" && Object.keys(given).length === 1) return { mode: "sync" };
  if (given.mode !== "batched" && given.mode !== "background") return undefined;
  return parse(queueSchema, given as Record<string, unknown>);
}

import * as v from "valibot";
import type { FileSystem } from "../platform/fs.js";
import { settingsPath } from "../rotation/naming.js";
import { readSmallFile } from "./small-file.js";

const LONGEST = 4096;

const schema = v.object({
  writer: v.optional(v.object({ pid: v.number(), host: v.string(), thread: v.number() })),
  settings: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
});

/** What src/settings.ts has left beside a log: the settings of its writers, and which of them was the first. */
export type SettingsLeft = v.InferOutput<typeof schema>;

/** Undefined when there is nothing of the kind: it is a help and no more. */
export function settingsLeft(fs: FileSystem, log: string): SettingsLeft | undefined {
  const text = readSmallFile(fs, settingsPath(log), LONGEST);
  if (text === undefined) return undefined;
  try {
    const result = v.safeParse(schema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // half of it, or something else
    throw error;
  }
}

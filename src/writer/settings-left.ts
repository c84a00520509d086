import { isAbsolute } from "node:path";
import * as v from "valibot";
import { LogFileError } from "../base/errors.js";
import { settingsPath } from "../log-files/hidden-names.js";
import type { FileSystem } from "../platform/file-system.js";
import { readSmallFile } from "../platform/small-file.js";

const LONGEST = 16 * 1024;

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

/** Where the lock file of these writers is, if not beside the log. */
export function lockDirectoryLeft(left: SettingsLeft | undefined): string | undefined {
  const directory = left?.settings.lockFileDirectory;
  return typeof directory === "string" && isAbsolute(directory) && !directory.includes("\0") ? directory : undefined;
}

/** What to tell of a log whose backups have names that only its writers know; undefined for any other. */
export function unknownNames(log: string, left: SettingsLeft | undefined): LogFileError | undefined {
  if (left?.settings.namer !== true) return undefined;
  const message = `Cannot find all backups of ${log}: its writers name them by a function (namer). Read them by their own names.`;
  return new LogFileError("ERR_CLH_READ", message, { path: log });
}

import { basename, dirname, join } from "node:path";
import type { HiddenPending } from "../../src/log-files/hidden-names.js";

/** Where a file waited by the hand of an older version: the inverse of `parseHiddenPending`. */
export function hiddenPendingPath(log: string, { sequence, place, state }: HiddenPending): string {
  return join(dirname(log), `.__${basename(log)}.${String(sequence).padStart(10, "0")}.${place}.${state}`);
}

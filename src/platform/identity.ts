import { hostname } from "node:os";
import { isError } from "../base/system-errors.js";

/* Who runs this program, and where. Deno tells neither without `--allow-sys`. */

/** Of no user and no file. */
const NOBODY = -1;

/** The name of this computer, or container; "" where this process may not know it. */
export function hostName(): string {
  return permitted(hostname, "");
}

/** The effective user of this process; undefined on Windows, and that of no file where this process may not know it. */
export function effectiveUser(): number | undefined {
  return permitted(() => process.geteuid?.(), NOBODY);
}

function permitted<Value>(ask: () => Value, otherwise: Value): Value {
  try {
    return ask();
  } catch (error) {
    if (isError(error, "NotCapable")) return otherwise;
    throw error;
  }
}

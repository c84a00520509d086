import { LogFileError } from "../../base/errors.js";
import { isError } from "../../base/system-errors.js";
import { shortened } from "../formatting/format-error.js";

/** A configuration that cannot be used. */
export function configError(message: string, details: { cause?: unknown; path?: string } = {}): LogFileError {
  return new LogFileError("ERR_CLH_CONFIG", shortened(message), details);
}

/** Runs `body`; what it throws is told with what was being done, as in Python: "Unable to configure handler 'h'". */
export function during<T>(what: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    throw configError(`${what}: ${isError(cause) ? cause.message : cause}`, { cause });
  }
}

import { hasCode } from "../base/system-errors.js";
import { systemClock } from "./clock.js";
import { fileSystemOver } from "./system-files.js";
import { writeFully } from "./write-fully.js";

/* What this package has to say, where nobody listens. `process.stderr` ends a program whose standard error fails, and a
   thread that ends takes with it what it has written there. */

const STANDARD_ERROR = 2;

// A pipe that others have made non-blocking (EAGAIN) is full until somebody reads: milliseconds between two tries, and in all.
const RETRY_PAUSE_MS = 5;
const FULL_PIPE_PATIENCE_MS = 100;

const { write } = fileSystemOver();

/** The last text was given up: the next one is tried once. */
let isStuck = false;

/** Writes a text to standard error before it returns; where that cannot be written, it does nothing. */
export function writeToStandardError(text: string): void {
  const bytes = Buffer.from(text);
  let patience = isStuck ? 0 : FULL_PIPE_PATIENCE_MS;
  const writeSome = (at: number, length: number): number => {
    for (;;) {
      try {
        return write(STANDARD_ERROR, bytes, at, length);
      } catch (error) {
        if (!hasCode(error, "EAGAIN") || patience <= 0) throw error;
        patience -= RETRY_PAUSE_MS;
        systemClock.sleep(RETRY_PAUSE_MS);
      }
    }
  };
  try {
    writeFully(0, bytes.length, writeSome);
    isStuck = false;
  } catch {
    isStuck = true; // whatever the code: there is nowhere to tell it
  }
}

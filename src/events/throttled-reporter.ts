import { LogFileError } from "../base/errors.js";
import { reason } from "../base/system-errors.js";
import type { Clock } from "../platform/clock.js";

const SAY_AGAIN_AFTER = 60_000;

/** Keeps a failure that repeats at every record from being reported at every record: once, then once a minute. */
export class Failures {
  readonly #report: (error: LogFileError) => void;
  readonly #clock: Clock;
  #last: string | undefined;
  #reportedAt = 0;

  constructor(report: (error: LogFileError) => void, clock: Clock) {
    this.#report = report;
    this.#clock = clock;
  }

  /** @param kind of which failures repeat one another */
  note(error: LogFileError, kind = `${error.code} ${(error.cause as NodeJS.ErrnoException | undefined)?.code}`): void {
    const now = this.#clock.monotonic();
    if (kind === this.#last && now - this.#reportedAt < SAY_AGAIN_AFTER) return;
    this.#last = kind;
    this.#reportedAt = now;
    this.#report(error);
  }

  /** Throws nothing: a file whose close fails, as it may on NFS, is closed all the same. */
  close(files: Iterable<{ close(): void }>, path: string): void {
    for (const file of files) {
      try {
        file.close();
      } catch (error) {
        this.note(unexpected(error, path));
      }
    }
  }

  /** It works again: the next failure is news. */
  clear(): void {
    this.#last = undefined;
  }
}

/** The error for records that a process still had in memory when it ended. */
export function lossError(path: string, count: number): LogFileError {
  const message = `The process ends, and ${count.toLocaleString("en")} records for ${path} are lost: they could not be written.`;
  return new LogFileError("ERR_CLH_FLUSH", message, { path });
}

/** @param then what follows from it, as a sentence */
export function lockTimeoutError(path: string, lockTimeout: number, then: string): LogFileError {
  const message = `Could not lock ${path} within ${lockTimeout} ms: another process holds it (fuser -v says which). ${then}`;
  return new LogFileError("ERR_CLH_LOCK_TIMEOUT", message, { path });
}

/** A warning of a mount where several hosts lose records; undefined for other mounts. */
export function unsafeMountWarning(
  { whyUnsafe: why }: { readonly whyUnsafe: string | undefined },
  path: string,
): LogFileError | undefined {
  if (why === undefined) return undefined;
  const message = `Several hosts that write ${path} lose records: ${why}. Let one host only write it, or mount it in another way (clh doctor says how).`;
  return new LogFileError("ERR_CLH_LOCK", message, { path });
}

export function unexpected(cause: unknown, path: string): LogFileError {
  return new LogFileError("ERR_CLH_WRITE", `Cannot write to ${path}: ${reason(cause)}.`, { cause, path });
}

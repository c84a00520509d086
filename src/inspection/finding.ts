/** Something that is not as it should be (`problem`), or that one may want to know (`note`). */
export interface Finding {
  /** With a `problem`, a log is not as it should be. */
  readonly severity: "problem" | "note";
  /**
   * `unreadable`: a file cannot be read, or not to its end; `torn`: it ends within a record; `bytes`: it has bytes that no text
   * has; `numbering`: a backup is missing; `limit`: there is more than may be kept; `leftover`: a process has left something
   * half-way; `sequence`: numbers in the records are missing, or out of order.
   */
  readonly kind: "unreadable" | "torn" | "bytes" | "numbering" | "limit" | "leftover" | "sequence";
  /** The file concerned, or the log. */
  readonly path: string;
  /** A sentence that says all of it, with the path. */
  readonly message: string;
}

export function finding(severity: Finding["severity"], kind: Finding["kind"], path: string, message: string): Finding {
  return { severity, kind, path, message };
}

/** Something that is not as it should be (`problem`), or that one may want to know (`note`). */
export interface Finding {
  readonly severity: "problem" | "note";
  readonly kind: "unreadable" | "torn" | "bytes" | "numbering" | "limit" | "leftover" | "sequence";
  readonly path: string;
  readonly message: string;
}

export function finding(severity: Finding["severity"], kind: Finding["kind"], path: string, message: string): Finding {
  return { severity, kind, path, message };
}

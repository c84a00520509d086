/** What a handler has done since it was made. */
export interface Counts {
  /** Records that it put into the file. */
  readonly records: number;
  /** Bytes that it put into the file. */
  readonly bytes: number;
  /** Rotations that it did, not those of others. */
  readonly rotations: number;
  /** Times that the lock was not free at once. */
  readonly lockWaits: number;
  /** Times that `lockTimeout` passed before it was. */
  readonly lockTimeouts: number;
  /** Attempts to write that failed; what was not written was tried again. */
  readonly failures: number;
}

/** What a handler has done since it was made, and what it has yet to do. */
export interface HandlerStats extends Counts {
  /** Records that are not in the file yet: in memory, or beside it. */
  readonly pending: number;
  /** Records that were larger than `maxRecordBytes`: they were truncated, split or dropped, as `oversize` says. */
  readonly oversized: number;
  /** Records that are lost: they could not be written, and the retry buffer was full. */
  readonly dropped: number;
}

export const COUNTS = [
  "records",
  "bytes",
  "rotations",
  "lockWaits",
  "lockTimeouts",
  "failures",
] as const satisfies readonly (keyof Counts)[];

/** Each count of both together. */
export function sum(a: Counts, b: Counts): Counts {
  return Object.fromEntries(COUNTS.map((name) => [name, a[name] + b[name]])) as unknown as Counts;
}

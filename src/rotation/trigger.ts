import type { RotationReason } from "../events/handler-events.js";

/** Decides, of a file as it is on disk, whether it must be rotated. Everything is called with the lock held. */
export interface Trigger {
  /**
   * Why the file must be rotated before the next record, if it must.
   * @param size bytes in the file now
   * @param nextRecord bytes of the record to be appended
   */
  due(size: number, nextRecord: number): RotationReason | undefined;
  /** How many bytes may be appended to a file of `size` bytes before a rotation can be due for its size. */
  room(size: number): number;
  /** From now on, `maxBytes` is so much. */
  limitTo(maxBytes: number): void;
  /** The file was rotated, for that reason. */
  rotated?(reason: RotationReason): void;
  /** When a rotation is due whatever the size, seconds since 1970; NaN when it is not known yet. */
  readonly boundary?: number;
}

/**
 * Rotation by size.
 * @param maxBytes 0 = never
 * @param strict rotate before a record with which the file would reach `maxBytes`, as Python's RotatingFileHandler
 *   does; else once the file has reached it, as upstream does. A file without records is never rotated: a record that
 *   is larger than `maxBytes` gets a file of its own (as in Python 3.13).
 */
export function sizeTrigger(maxBytes: number, strict: boolean): Trigger {
  let limit = maxBytes === 0 ? Number.POSITIVE_INFINITY : maxBytes;
  return {
    due: strict
      ? (size, nextRecord) => (size > 0 && size + nextRecord >= limit ? "size" : undefined)
      : (size) => (size > 0 && size >= limit ? "size" : undefined),
    room: (size) => limit - 1 - size,
    limitTo: (bytes) => {
      limit = bytes;
    },
  };
}

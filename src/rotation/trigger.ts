/** Decides, of a file as it is on disk, whether it must be rotated before the next record. */
export interface Trigger {
  /**
   * @param size bytes in the file now
   * @param nextRecord bytes of the record to be appended
   */
  isDue(size: number, nextRecord: number): boolean;
  /** How many bytes may be appended to a file of `size` bytes before a rotation can be due. */
  room(size: number): number;
}

/**
 * Rotation by size.
 * @param maxBytes 0 = never
 * @param strict rotate before a record with which the file would reach `maxBytes`, as Python's RotatingFileHandler
 *   does; else once the file has reached it, as upstream does. A file without records is never rotated: a record that
 *   is larger than `maxBytes` gets a file of its own (as in Python 3.13).
 */
export function sizeTrigger(maxBytes: number, strict: boolean): Trigger {
  if (maxBytes === 0) return { isDue: () => false, room: () => Number.POSITIVE_INFINITY };
  return {
    isDue: strict
      ? (size, nextRecord) => size > 0 && size + nextRecord >= maxBytes
      : (size) => size > 0 && size >= maxBytes,
    room: (size) => maxBytes - 1 - size,
  };
}

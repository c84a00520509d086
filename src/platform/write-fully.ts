/**
 * Writes the bytes from `start` to `end`, however few of them the system takes at a time.
 * @param write returns how many it took
 */
export function writeFully(start: number, end: number, write: (at: number, length: number) => number): void {
  for (let at = start; at < end; ) {
    const written = write(at, end - at);
    if (written === 0) throw new Error("the system took no bytes");
    at += written;
  }
}

import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { mock } from "node:test";

/** What this package writes to the descriptor of standard error meanwhile. */
export function standardErrorOf(body: () => void): string {
  const { writeSync } = fs;
  const texts: string[] = [];
  const write = mock.method(fs, "writeSync", (fd: number, bytes: Buffer, offset: number, length: number) => {
    if (fd !== 2) return writeSync(fd, bytes, offset, length);
    texts.push(bytes.toString("utf8", offset, offset + length));
    return length;
  });
  syncBuiltinESMExports();
  try {
    body();
  } finally {
    write.mock.restore();
    syncBuiltinESMExports();
  }
  return texts.join("");
}

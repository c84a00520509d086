import type { FileSystem } from "../../src/platform/fs.js";

/* Handlers that are broken in one way, made by a file system that makes them so. */

export type DoubleName = "real" | "no tail check" | "unlinks the source first";

const LONGEST_TAIL = 8;

export function doubleOf(name: DoubleName, real: FileSystem): FileSystem {
  switch (name) {
    case "real":
      return real;
    case "no tail check":
      return {
        ...real,
        read(fd, bytes, offset, length, position) {
          if (length > LONGEST_TAIL) return real.read(fd, bytes, offset, length, position);
          bytes.fill("\n", offset, offset + length); // every tail is a whole one
          return length;
        },
      };
    case "unlinks the source first":
      return {
        ...real,
        renameNew(from, to) {
          if (to.endsWith(".published")) real.unlink(from);
          else real.renameNew(from, to);
        },
        unlink(path) {
          if (!path.endsWith(".published")) real.unlink(path);
        },
      };
  }
}

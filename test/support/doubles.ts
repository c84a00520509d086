import { copyFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { FileStatus, FileSystem } from "../../src/platform/file-system.js";

/* Handlers that are broken in one way, made by a file system that makes them so. */

export type DoubleName =
  | "real"
  | "no tail check"
  | "truncates a tail"
  | "unlinks the source first"
  | "hides what waits"
  | "copies into the archive"
  | "notes no intent"
  | "empties a file that it cannot write to"
  | "takes what others own for its own";

const LONGEST_TAIL = 8;
const LINE_FEED = 10;
const SPILL_HEADER = 64;
const SPILL_INTENT = 16;
const WAITING = /app\.log-[^.]*$/;

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
    case "truncates a tail":
      return {
        ...real,
        write(fd, bytes, offset, length) {
          if (length !== 1) return real.write(fd, bytes, offset, length);
          const all = Buffer.alloc(1000);
          const end = real.read(fd, all, 0, all.length, 0);
          real.truncate(fd, all.lastIndexOf(LINE_FEED, end) + 1); // it is cut off, not ended
          return length;
        },
      };
    case "notes no intent":
      return {
        ...real,
        writeAt(fd, bytes, position) {
          const header = Buffer.from(bytes);
          if (position === 0 && bytes.length === SPILL_HEADER) header.writeDoubleLE(0, SPILL_INTENT);
          real.writeAt(fd, header, position);
        },
      };
    case "empties a file that it cannot write to":
      return {
        ...real,
        write(fd, ...rest) {
          try {
            return real.write(fd, ...rest);
          } catch (error) {
            real.truncate(fd, 0);
            throw error;
          }
        },
      };
    case "unlinks the source first": {
      let nameLater = () => {};
      return {
        ...real,
        renameNew(from, to) {
          if (!from.endsWith(".unfinished")) return real.renameNew(from, to);
          real.unlink(to.slice(0, -".gz".length));
          nameLater = () => real.renameNew(from, to);
        },
        unlink(path) {
          if (WAITING.test(path)) nameLater();
          else real.unlink(path);
        },
      };
    }
    case "hides what waits":
      return {
        ...real,
        renameNew: (from, to) => real.renameNew(from, WAITING.test(to) ? join(dirname(to), `.${basename(to)}`) : to),
      };
    case "copies into the archive": {
      let removeLater = () => {};
      return {
        ...real,
        renameNew(from, to) {
          if (dirname(from) === dirname(to)) return real.renameNew(from, to);
          copyFileSync(from, to);
          removeLater = () => real.unlink(from);
        },
        open(...opening) {
          removeLater();
          removeLater = () => {};
          return real.open(...opening);
        },
      };
    }
    case "takes what others own for its own": {
      const own = (status: FileStatus) => Object.defineProperty(status, "uid", { value: process.getuid?.() });
      return {
        ...real,
        linkStatus: (path, into) => real.linkStatus(path, own(into)),
        statusOfOpen: (fd, into) => real.statusOfOpen(fd, own(into)),
      };
    }
  }
}

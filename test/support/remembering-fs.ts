import { dirname } from "node:path";
import { FileStatus, type FileSystem } from "../../src/platform/file-system.js";

/**
 * A file system as a client of a network file system shows it: of each name it remembers what it led to, until the directory is
 * listed, the file is opened, or this client changes the name itself.
 * @param asksWhenListed false of a client that remembers what it has listed, too
 */
export function rememberingFileSystem(fs: FileSystem, asksWhenListed = true): FileSystem {
  const remembered = new Map<string, FileStatus | undefined>();
  const listed = new Map<string, string[]>();
  const ask =
    (call: "status" | "statusWithTime" | "linkStatus"): FileSystem[typeof call] =>
    (path, into) => {
      if (!remembered.has(path.text)) {
        const status = new FileStatus();
        remembered.set(path.text, fs[call](path, status) ? status : undefined);
      }
      const known = remembered.get(path.text);
      if (known !== undefined) into.copyFrom(known);
      return known !== undefined;
    };
  return {
    ...fs,
    status: ask("status"),
    statusWithTime: ask("statusWithTime"),
    linkStatus: ask("linkStatus"),
    readdir(path) {
      const names = (asksWhenListed ? undefined : listed.get(path)) ?? fs.readdir(path);
      listed.set(path, names);
      if (asksWhenListed) for (const name of remembered.keys()) if (dirname(name) === path) remembered.delete(name);
      return names;
    },
    open(path, flags, mode) {
      remembered.delete(path);
      return fs.open(path, flags, mode);
    },
    renameNew(from, to) {
      for (const path of [from, to]) remembered.delete(path);
      fs.renameNew(from, to);
    },
    unlink(path) {
      remembered.delete(path);
      fs.unlink(path);
    },
  };
}

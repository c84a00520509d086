import { basename, dirname, join, relative, resolve } from "node:path";
import { hasCode, reason } from "../base/system-errors.js";
import { archiveClaimPath, settingsPath } from "../log-files/hidden-names.js";
import { newUnique } from "../log-files/pending-names.js";
import {
  closing,
  FilePath,
  FileStatus,
  type FileSystem,
  O_CREAT,
  O_NOFOLLOW,
  O_WRONLY,
  R_OK,
  W_OK,
} from "../platform/file-system.js";
import { readSmallFile } from "../platform/small-file.js";
import { refused } from "./validation.js";

const LONGEST_CLAIM = 16 * 1024; // it holds a path
const NEW_CLAIM_MODE = 0o666; // less the umask

/**
 * Makes the directory of the backups, and sees whether it can be that.
 * @param host of the names in it, where these say their host
 * @returns the way to it from the directory of the log, so that the two can be moved together; undefined where it is that
 * @throws {LogFileError} `ERR_CLH_OPTION`
 */
export function resolveArchive(
  path: string,
  log: string,
  host: string | undefined,
  fs: FileSystem,
): string | undefined {
  const directory = resolve(dirname(log), path);
  if (directory === dirname(log)) return undefined;
  let isReached: boolean;
  let other: string | undefined;
  try {
    fs.mkdir(dirname(log));
    fs.mkdir(directory);
    fs.access(directory, R_OK | W_OK);
    isReached = isOnOneFileSystem(fs, dirname(log), directory);
    if (isReached) other = claim(fs, directory, log, host);
  } catch (cause) {
    const expected = `a directory that is there or can be made, and changed (${reason(cause)})`;
    throw refused("archiveDirectory", path, expected, cause);
  }
  if (!isReached) {
    const why = "since a file can be renamed to no other: have a program copy backups to there";
    throw refused("archiveDirectory", path, `a directory on the file system of ${dirname(log)}, ${why}`);
  }
  if (other !== undefined) {
    const why = `${other} has its backups there, and those of ${log} would have the same names`;
    throw refused("archiveDirectory", path, `another directory: ${why}`);
  }
  return relative(dirname(log), directory);
}

/** Linux refuses a rename from one mount to another before it looks for the file: two of one device are no exception. */
function isOnOneFileSystem(fs: FileSystem, here: string, there: string): boolean {
  const [one, other] = [new FileStatus(), new FileStatus()];
  fs.statusWithTime(new FilePath(here), one);
  fs.statusWithTime(new FilePath(there), other);
  if (one.place.major !== other.place.major || one.place.minor !== other.place.minor) return false;
  const nothing = `.__clh.${newUnique()}`;
  try {
    fs.rename(join(here, nothing), join(there, nothing));
  } catch (error) {
    return !hasCode(error, "EXDEV");
  }
  return true;
}

/**
 * Notes in a directory whose backups are there. Logs of one name would count, number and delete each other's.
 * @returns the path of another log of that name which has its backups there; undefined when there is none any more
 */
function claim(fs: FileSystem, directory: string, log: string, host: string | undefined): string | undefined {
  const path = archiveClaimPath(join(directory, basename(log)), host);
  const ours = relative(directory, log);
  const text = readSmallFile(fs, path, LONGEST_CLAIM)?.trim() ?? "";
  if (text === ours) return undefined;
  const other = resolve(directory, text);
  const isAnother =
    text !== "" && basename(other) === basename(log) && !isSameDirectory(fs, dirname(other), dirname(log));
  if (isAnother && (fs.exists(other) || fs.exists(settingsPath(other)))) return other;
  const bytes = Buffer.from(`${ours}\n`);
  closing(fs, fs.open(path, O_WRONLY | O_CREAT | O_NOFOLLOW, NEW_CLAIM_MODE), (fd) => {
    fs.truncate(fd, 0);
    fs.writeAt(fd, bytes, 0);
  });
  return undefined;
}

/** Through links and mounts as well. */
function isSameDirectory(fs: FileSystem, path: string, other: string): boolean {
  const [one, two] = [new FileStatus(), new FileStatus()];
  const areThere = fs.status(new FilePath(path), one) && fs.status(new FilePath(other), two);
  return areThere && one.isSameFile(two);
}

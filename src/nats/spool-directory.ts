import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { LogFileError } from "../base/errors.js";
import { advice, hasCode, reason } from "../base/system-errors.js";
import { Mount } from "../disk/mount.js";
import type { Environment } from "../platform/environment.js";
import { FilePath, FileStatus } from "../platform/file-system.js";
import { effectiveUser } from "../platform/identity.js";
import { Spool, type SpoolMaker } from "./spool.js";
import { SpoolFile } from "./spool-file.js";
import type { SpoolIdentity } from "./spool-format.js";

const NAME = /^([A-Za-z0-9_-]{1,64})\.(\d{1,9})\.spool$/;
const OTHERS_WRITE = 0o002;
const GROUP_WRITES = 0o020;
const ROOT = 0;
const MOST_TRIES = 10;

/** Where spools are when nobody says: a directory of this user alone. */
export function defaultSpoolDirectory(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
  home: () => string = homedir,
): string {
  const { XDG_STATE_HOME, LOCALAPPDATA } = environment;
  const base = platform === "win32" ? LOCALAPPDATA : XDG_STATE_HOME;
  return join(
    base || join(home(), ...(platform === "win32" ? ["AppData", "Local"] : [".local", "state"])),
    "clh-spool",
  );
}

/** A name that no other writer has, and that says whose it is. */
export function newWriterName(subject: string): string {
  return `${subject.slice(subject.lastIndexOf(".") + 1).slice(0, 40)}-${randomBytes(8).toString("hex")}`;
}

/** The directory in which the spools of all writers of this user lie, whatever streams they are for. */
export class SpoolDirectory implements SpoolMaker {
  readonly path: string;
  readonly #environment: Environment;

  constructor(path: string, environment: Environment) {
    this.path = path;
    this.#environment = environment;
  }

  /** @throws a system error, or one that says why the directory is not to be used */
  create(identity: SpoolIdentity, index: number): SpoolFile {
    this.#check();
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const path = join(this.path, `${identity.writer}.${index + tries * 1_000_000}.spool`);
      const file = SpoolFile.create(path, this.#mountOf(path), identity);
      if (file !== undefined) return file;
    }
    throw new Error("others remove it before it is locked");
  }

  /**
   * Takes over what processes have left that have ended, writer by writer: all of one, in the order of its numbers.
   * @param isWanted says of which
   * @param onDamage is told of files that are not to be used
   */
  *adopt(
    isWanted: (identity: SpoolIdentity) => boolean,
    onDamage: (path: string, cause: unknown) => void,
  ): Generator<Spool> {
    for (const paths of this.#pathsByWriter()) {
      const files: SpoolFile[] = [];
      for (const path of paths) {
        const file = this.#adopt(path, isWanted, onDamage);
        if (file === "held") break; // of a process that lives, or somebody else has begun with this writer
        if (file === undefined) continue;
        if (file.found === undefined) file.remove();
        else files.push(file);
      }
      if (files.length > 0) yield new Spool(files[0]!.identity, this, onDamage, files);
    }
  }

  #adopt(
    path: string,
    isWanted: (identity: SpoolIdentity) => boolean,
    onDamage: (path: string, cause: unknown) => void,
  ): SpoolFile | "held" | undefined {
    try {
      return SpoolFile.adopt(path, this.#mountOf(path), isWanted);
    } catch (cause) {
      onDamage(path, cause);
      return "held"; // what is behind it would be a gap
    }
  }

  #pathsByWriter(): string[][] {
    let names: string[];
    try {
      names = this.#environment.fs.readdir(this.path);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return [];
      throw error;
    }
    this.#check();
    const found = new Map<string, { index: number; path: string }[]>();
    for (const name of names) {
      const [, writer, index] = NAME.exec(name) ?? [];
      if (writer === undefined) continue;
      found.set(writer, [...(found.get(writer) ?? []), { index: Number(index), path: join(this.path, name) }]);
    }
    return [...found.values()].map((files) => files.sort((a, b) => a.index - b.index).map(({ path }) => path));
  }

  #mountOf(path: string): Mount {
    return new Mount(this.#environment, path);
  }

  /** Records would be read by others, or sent for others, in a directory where these can put files. */
  #check(): void {
    const { fs } = this.#environment;
    fs.mkdir(this.path);
    const me = effectiveUser();
    if (me === undefined) return; // Windows, which tells no owners
    const status = new FileStatus();
    fs.status(new FilePath(this.path), status);
    if (status.uid !== me && status.uid !== ROOT) throw new Error("the directory is of another user");
    if ((status.mode & (OTHERS_WRITE | GROUP_WRITES)) !== 0)
      throw new Error("others than this user may write to the directory: take that right away (chmod go-w)");
  }
}

/** The error for a spool that cannot be written or read. */
export function spoolError(path: string, cause: unknown, then: string): LogFileError {
  const message = `Cannot put records for NATS into ${path}, or send them from there: ${reason(cause)}. ${advice(cause)}${then}`;
  return new LogFileError("ERR_CLH_SPILL", message, { cause, path });
}

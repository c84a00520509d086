import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { Spill } from "./delivery/spill.js";
import type { Environment } from "./environment.js";
import { LogFileError, reason } from "./errors.js";
import type { Tell } from "./events.js";
import type { Permissions } from "./permissions.js";
import { FilePath, FileStatus, O_NOFOLLOW, O_RDWR } from "./platform/fs.js";
import { listLog } from "./rotation/log-set.js";
import { isSpill, spillPath } from "./rotation/naming.js";

const NEW_SPILL_MODE = 0o666;

/** The spills of one log. */
export class Spills {
  readonly #log: string;
  readonly #environment: Environment;
  readonly #permissions: Permissions;
  readonly #terminatorLength: number;

  /** @param terminatorLength bytes at the end of each record that whoever writes next adds where they are missing */
  constructor(log: string, environment: Environment, permissions: Permissions, terminatorLength: number) {
    this.#terminatorLength = terminatorLength;
    this.#log = log;
    this.#environment = environment;
    this.#permissions = permissions;
  }

  create(): Spill {
    const path = spillPath(this.#log, process.pid, randomBytes(4).toString("hex"));
    const { fd } = this.#permissions.open(this.#environment.fs, path, O_RDWR | O_NOFOLLOW, NEW_SPILL_MODE);
    return Spill.create(path, this.#environment, fd);
  }

  /**
   * Takes over those of processes that have ended.
   * @param merge true when all of it is in the log
   */
  mergeOrphans(merge: (spill: Spill) => boolean, tell: Tell): void {
    const { fs } = this.#environment;
    const directory = dirname(this.#log);
    try {
      for (const name of fs.readdir(directory)) {
        if (!isSpill(this.#log, name)) continue;
        const find = (file: FileStatus) => this.#find(file);
        const spill = Spill.adopt(join(directory, name), this.#environment, find, this.#terminatorLength);
        if (spill === undefined) continue;
        if (merge(spill)) tell("recovered", { path: spill.path });
        else spill.close();
      }
    } catch (cause) {
      tell("error", this.failure(cause));
    }
  }

  failure(cause: unknown): LogFileError {
    const message = `Cannot put records of ${this.#log} into a spill file, or merge one: ${reason(cause)}. They are kept in memory, or in that file, and tried again.`;
    return new LogFileError("ERR_CLH_SPILL", message, { cause, path: this.#log });
  }

  #find(file: FileStatus): string | undefined {
    const { fs } = this.#environment;
    const status = new FileStatus();
    const parts = listLog(fs, this.#log).filter(({ extension }) => extension === "");
    return parts.find(({ path }) => fs.status(new FilePath(path), status) && status.isSameFile(file))?.path;
  }
}

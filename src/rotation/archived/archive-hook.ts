import { basename } from "node:path";
import { Backoff } from "../../base/backoff.js";
import { LogFileError } from "../../base/errors.js";
import { advice, hasCode, isError, reason } from "../../base/system-errors.js";
import { Mount } from "../../disk/mount.js";
import { Permissions } from "../../disk/permissions.js";
import type { Tell } from "../../events/handler-events.js";
import { Failures } from "../../events/throttled-reporter.js";
import { parseHiddenPending } from "../../log-files/hidden-names.js";
import { pathOnDisk } from "../../log-files/named-backups.js";
import { parsePending } from "../../log-files/pending-names.js";
import type { OnArchived } from "../../options/options.js";
import type { ResolvedOptions } from "../../options/resolved-options.js";
import type { Environment } from "../../platform/environment.js";
import { FilePath, FileStatus, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from "../../platform/file-system.js";
import { Encoder } from "../../records/encoder.js";
import { encode, findCodec } from "../../records/encodings.js";
import type { Backup } from "../retention.js";
import { ArchivedBook, keyOf } from "./archived-book.js";

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
// Numbered backups are renamed by each rotation, and the hook may have opened the next one by the name that it was given.
const TRIES = 3;
// So often in a row backups are looked for of which each time the first is not where it was seen.
const LOOKS = 10;

type Archived = Backup & { readonly key: string };

/**
 * Calls the hook `onArchived` for each backup of a log that will not change any more: once over all processes as long as
 * none is killed, and at least once in any case. Runs in the thread of the handler, without the lock of the log. One
 * process at a time has the book that says what is done; others look again later.
 */
export class ArchiveHook {
  readonly #options: ResolvedOptions;
  readonly #hook: OnArchived;
  readonly #environment: Environment;
  readonly #list: () => Backup[];
  readonly #holdStill: (look: () => void) => boolean;
  readonly #tell: Tell;
  readonly #book: ArchivedBook;
  readonly #failures: Failures;
  readonly #retries = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS);
  /** Keys of backups that are to wait for the next retry. */
  readonly #failed = new Set<string>();
  #cancelRetry: (() => void) | undefined;
  #current: Promise<void> | undefined;
  #again = false;
  #closedAt = Number.POSITIVE_INFINITY;

  /**
   * @param list all backups of the log, oldest first
   * @param holdStill does something while nobody renames backups; false when that cannot be now
   */
  constructor(
    options: ResolvedOptions,
    hook: OnArchived,
    environment: Environment,
    list: () => Backup[],
    holdStill: (look: () => void) => boolean,
    tell: Tell,
  ) {
    const { clock } = environment;
    this.#options = options;
    this.#hook = hook;
    this.#environment = environment;
    this.#list = list;
    this.#holdStill = holdStill;
    this.#tell = tell;
    const permissions = new Permissions(options, (warning) => tell("warning", warning));
    this.#book = new ArchivedBook(options.filename, new Mount(environment, options.filename), permissions);
    this.#failures = new Failures((error) => tell("error", error), clock);
  }

  /** Looks for backups that are new, now or when it has ended what it does. */
  start(): void {
    this.#again = true;
    this.#current ??= this.#run();
  }

  /** Resolves when no call of the hook is under way, nor one that follows it at once. */
  async idle(): Promise<void> {
    while (this.#current !== undefined) await this.#current;
  }

  /** From now on, nothing is tried again, and for as long as the hook may take only are further calls begun. */
  close(): void {
    this.#closedAt = this.#environment.clock.monotonic();
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }

  /** The handler is used again. */
  reopen(): void {
    this.#closedAt = Number.POSITIVE_INFINITY;
  }

  async #run(): Promise<void> {
    const { clock } = this.#environment;
    await new Promise<void>((resolve) => clock.soon(resolve)); // who logs does not wait for the first part of a hook
    while (this.#again) {
      this.#again = false;
      try {
        if ((await this.#pass()) && this.#failed.size === 0) this.#retries.reset();
        else this.#tryLater();
      } catch (error) {
        this.#failures.note(error instanceof LogFileError ? error : this.#cannotLook(error));
        this.#tryLater();
      } finally {
        this.#book.end();
      }
    }
    this.#current = undefined;
  }

  get #isOver(): boolean {
    return this.#environment.clock.monotonic() - this.#closedAt >= this.#options.onArchivedTimeout;
  }

  #tryLater(): void {
    if (this.#cancelRetry !== undefined || this.#closedAt !== Number.POSITIVE_INFINITY) return;
    this.#cancelRetry = this.#environment.clock.after(this.#retries.next(), () => {
      this.#cancelRetry = undefined;
      this.#failed.clear();
      this.start();
    });
  }

  #cannotLook(cause: unknown): LogFileError {
    const { filename: path } = this.#options;
    const message = `Cannot look for backups of ${path} for the hook onArchived: ${reason(cause)}. ${advice(cause)}It is tried again.`;
    return new LogFileError("ERR_CLH_HOOK", message, { cause, path });
  }

  /** False while another process has the book, or the lock of the log. */
  async #pass(): Promise<boolean> {
    if (!this.#book.begin()) return false;
    const renamed = new Map<string, number>();
    for (let isNew = true, looks = 0; isNew && !this.#isOver; ) {
      let backups: Archived[] = [];
      if (++looks > LOOKS || !this.#holdStill(() => (backups = this.#look()))) return false;
      const present = new Set(backups.map(({ key }) => key));
      for (const key of this.#failed) if (!present.has(key)) this.#failed.delete(key);
      const waiting = backups.filter(({ key }) => !this.#book.has(key) && !this.#failed.has(key));
      isNew = waiting.length > 0;
      for (const backup of waiting) {
        // One that was renamed meanwhile is not alone: where they are is asked anew.
        if (this.#isOver || !(await this.#call(backup, present, renamed))) break;
        looks = 0;
      }
    }
    return true;
  }

  /** Backups that have their last form; the others wait to be compressed. */
  #look(): Archived[] {
    const { filename } = this.#options;
    return this.#list().flatMap((backup) => {
      const name = basename(backup.path);
      if ((parsePending(filename, name) ?? parseHiddenPending(filename, name)) !== undefined) return [];
      const key = this.#keyAt(backup.path);
      return key === undefined ? [] : [{ ...backup, key }];
    });
  }

  #keyAt(path: string): string | undefined {
    const status = new FileStatus();
    return this.#environment.fs.linkStatus(new FilePath(path), status) && status.isFile ? keyOf(status) : undefined;
  }

  /**
   * False when the backup is not at its path any more.
   * @param renamed how often the hook was called in vain for that reason
   */
  async #call(backup: Archived, present: ReadonlySet<string>, renamed: Map<string, number>): Promise<boolean> {
    const { key } = backup;
    const path = pathOnDisk(this.#environment.fs, backup.path);
    try {
      const result = this.#environment.isRehearsed ? "done" : await this.#openAndCall(backup);
      if (result === "renamed") renamed.set(key, (renamed.get(key) ?? 0) + 1);
      if (renamed.get(key) === TRIES)
        throw new Error("rotations rename it while the hook runs. Let the hook read `stream()` in place of `path`");
      if (result !== "done") return false;
    } catch (cause) {
      this.#failed.add(key);
      const message =
        `The hook onArchived failed for ${path}: ${reason(cause)}. It is called again, after a second at first and then ` +
        "less often, for as long as retention leaves the file there.";
      const kind = isError(cause) ? cause.message : undefined;
      this.#failures.note(new LogFileError("ERR_CLH_HOOK", message, { cause, path }), kind);
      return true;
    }
    this.#tell("archived", { path });
    try {
      this.#book.remember(key, present);
    } catch (error) {
      this.#failures.note(error as LogFileError);
    }
    return true;
  }

  /** `gone`: the hook was not called; `renamed`: its path may have led it to another file. */
  async #openAndCall({ path, key, period }: Archived): Promise<"done" | "gone" | "renamed"> {
    const { fs } = this.#environment;
    const { ArchivedFile } = await import("./archived-file.js"); // few programs have a hook
    let fd: number;
    try {
      fd = fs.open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return "gone";
      throw error;
    }
    const status = new FileStatus();
    const abort = new AbortController();
    let file: InstanceType<typeof ArchivedFile> | undefined;
    try {
      fs.statusOfOpen(fd, status);
      if (keyOf(status) !== key) return "gone";
      const about = { path: pathOnDisk(fs, path), bytes: status.size, period, signal: abort.signal };
      const given = new ArchivedFile(fs, fd, () => this.#terminator(), about);
      file = given;
      await this.#within(abort, async () => this.#hook(given));
      return given.wasStreamed || this.#keyAt(path) === key ? "done" : "renamed";
    } finally {
      file?.end();
      fs.close(fd);
    }
  }

  /** The process stays until `act` has ended, but no longer than the hook may take. */
  async #within(abort: AbortController, act: () => Promise<unknown>): Promise<void> {
    const { onArchivedTimeout } = this.#options;
    let cancel = () => {};
    const limit = new Promise<never>((_, reject) => {
      const end = () => {
        const error = new Error(`it did not end within ${onArchivedTimeout} ms (onArchivedTimeout)`);
        reject(error);
        abort.abort(error);
      };
      cancel = this.#environment.clock.after(onArchivedTimeout, end, true);
    });
    try {
      await Promise.race([act(), limit]);
    } finally {
      cancel();
    }
  }

  #terminator() {
    const codec = findCodec(this.#options.encoding)!;
    return { bytes: new Encoder(this.#options).terminator, unit: encode("\n", codec.name).length };
  }
}

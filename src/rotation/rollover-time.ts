import { LogFileError } from "../base/errors.js";
import { advice, reason } from "../base/system-errors.js";
import type { LockFile } from "../lock/lock-file.js";
import { decode, encode, findCodec } from "../records/encodings.js";

const NUMBER = /^\s*0*(\d{1,15})\s*$/;

/**
 * The next rotation by time, which all writers of a log share, as upstream does: the whole content of the lock file,
 * in seconds since 1970, decimal, in the encoding of the log. Everything is called with the lock held.
 */
export class RolloverTime {
  readonly #lockFile: LockFile;
  readonly #codec: NonNullable<ReturnType<typeof findCodec>>;

  constructor(lockFile: LockFile, encoding: string) {
    this.#lockFile = lockFile;
    this.#codec = findCodec(encoding)!;
  }

  /** Undefined when there is none, or something else. */
  read(): number | undefined {
    const match = NUMBER.exec(decode(this.#lockFile.read(), this.#codec.name));
    return match === null ? undefined : Number(match[1]);
  }

  /** @throws {LogFileError} `ERR_CLH_LOCK` */
  write(seconds: number): void {
    const text = encode(String(seconds), this.#codec.name);
    try {
      this.#lockFile.write(Buffer.concat([this.#codec.byteOrderMark, text]));
    } catch (cause) {
      const { path } = this.#lockFile;
      const message = `Cannot write the time of the next rotation to ${path}: ${reason(cause)}. ${advice(cause)}Another process may rotate once more.`;
      throw new LogFileError("ERR_CLH_LOCK", message, { cause, path });
    }
  }
}

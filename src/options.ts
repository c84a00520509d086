import type { UnicodeErrorPolicy } from "./encode.js";
import type { Compression, CompressionFormat } from "./rotation/formats.js";
import type { Namer } from "./rotation/naming.js";

/** Bytes: a whole number, or with a unit of 1,024: `"512k"`, `"10MiB"`, `"2g"`. */
export type Size =
  | number
  | `${number}${"b" | "k" | "m" | "g" | "t" | "B" | "K" | "M" | "G" | "T" | "kB" | "KB" | "MB" | "GB" | "TB" | "KiB" | "MiB" | "GiB" | "TiB"}`;

/** Milliseconds: a whole number, or with a unit: `"500ms"`, `"10s"`, `"5m"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d" | "w"}`;

/** The user's own way to move the active file to its first backup. Called with the lock held; must be quick. */
export type Rotator = (source: string, destination: string) => void;

/** Options of every handler. Those of upstream keep its names, in camel case. */
export interface FileHandlerOptions {
  /**
   * `"w"` empties the file once, when this handler first opens it: the old one is deleted and a new one made.
   * @default "a"
   */
  readonly mode?: "a" | "w";
  /**
   * How many rotated files are kept. With 0, a rotation starts the file afresh and keeps none.
   * @default 0
   */
  readonly backupCount?: number;
  /**
   * Any encoding of iconv-lite, by Python's names too.
   * @default "utf-8"
   */
  readonly encoding?: string | null;
  /**
   * For characters that the encoding lacks: leave them out, write `?`, or refuse the record (an `error` event).
   * @default "ignore"
   */
  readonly unicodeErrorPolicy?: UnicodeErrorPolicy;
  /**
   * What `\n` is written as, terminator included: `null` = `\r\n` on Windows, `\n` elsewhere; `""` = as it is.
   * Python's `open(newline=)`.
   * @default null
   */
  readonly newline?: "" | "\n" | "\r" | "\r\n" | null;
  /**
   * Ends each record. `""` = the default.
   * @default "\n"
   */
  readonly terminator?: string;
  /**
   * Compress rotated files with gzip; the same as `compression: "gzip"`.
   * @default false
   */
  readonly useGzip?: boolean;
  /**
   * How rotated files are compressed, in the background. zstd needs Node 22.15.
   * @default false
   */
  readonly compression?: CompressionFormat | Compression | false;
  /** User and group of all files, by name or number: `["app", "adm"]` or `"app:adm"`. POSIX only, usually as root. */
  readonly owner?: readonly [user: string | number, group: string | number] | string | null;
  /** Permission bits of all files: 0o640 or `"640"`. POSIX only. */
  readonly chmod?: number | string | null;
  /** Bits that new files do not get, in place of the umask of the process: 0o027 or `"027"`. POSIX only. */
  readonly umask?: number | string | null;
  /** Where the lock file is; made if missing. All writers of the log must agree on it. Default: beside the log. */
  readonly lockFileDirectory?: string | null;
  /**
   * `false` opens and closes log and lock file for every write.
   * @default true
   */
  readonly keepFileOpen?: boolean;
  /**
   * How long a write waits for a lock that another process keeps, at most; then the record is kept in memory.
   * @default "10s"
   */
  readonly lockTimeout?: Duration;
  /**
   * How much memory is used for records that cannot be written at the moment; what does not fit is dropped, counted
   * and announced.
   * @default "1MiB"
   */
  readonly retryBufferBytes?: Size;
  /** Names the backups: called with the default path ("…/app.log.1"), returns the one to use, without ".gz". */
  readonly namer?: Namer;
  /** Moves the file in a rotation, in place of a rename. Not together with compression. */
  readonly rotator?: Rotator;
  /** How records reach the file. `"sync"`: a write returns when its record is in it. */
  readonly delivery?: "sync";
  /**
   * Trace every decision on standard error, as `NODE_DEBUG=clh` does.
   * @default false
   */
  readonly debug?: boolean;
  /** Accepted for the sake of upstream's configurations, and ignored: files are always opened at the first record. */
  readonly delay?: boolean | null;
}

/** Options of {@link ConcurrentRotatingFileHandler}. */
export interface RotatingFileHandlerOptions extends FileHandlerOptions {
  /**
   * Size at which the file is rotated; 0 = never.
   * @default 0
   */
  readonly maxBytes?: Size;
  /**
   * `true`: rotate before a record with which the file would reach `maxBytes`, as Python's RotatingFileHandler does; a
   * record that is larger is written whole, into a file of its own. `false`: rotate once the file has reached
   * `maxBytes`, as upstream does.
   * @default true
   */
  readonly strictMaxBytes?: boolean;
}

/** Options after validation: defaults, units and names resolved. */
export interface ResolvedOptions {
  /** Absolute. */
  readonly filename: string;
  readonly mode: "a" | "w";
  /** Bytes; 0 = never. */
  readonly maxBytes: number;
  readonly strictMaxBytes: boolean;
  readonly backupCount: number;
  readonly encoding: string;
  readonly unicodeErrorPolicy: UnicodeErrorPolicy;
  readonly newline: string | null;
  readonly terminator: string;
  readonly compression: Compression | undefined;
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly chmod: number | undefined;
  readonly umask: number | undefined;
  /** Absolute. */
  readonly lockFileDirectory: string | undefined;
  readonly keepFileOpen: boolean;
  /** Milliseconds. */
  readonly lockTimeout: number;
  /** Bytes. */
  readonly retryBufferBytes: number;
  readonly namer: Namer | undefined;
  readonly rotator: Rotator | undefined;
  readonly debug: boolean;
}

import type { Duration, Overflow, Size } from "../options/options.js";

/** Where the servers are, and who asks. Secrets are in files alone, which are read anew at each connection. */
export interface NatsServerOptions {
  /** One or more of `"nats://host:4222"`, `"tls://host:4222"` (never without TLS) and `"host"`; all of one cluster. */
  readonly servers: string | readonly string[];
  /** Path of a `.creds` file. Default: that in the environment variable `NATS_CREDS`, unless another is given. */
  readonly credentials?: string;
  /** Path of a file with the seed of an nkey, which begins with `SU`. */
  readonly nkey?: string;
  /** Name of a user, together with `passwordFile`. */
  readonly user?: string;
  /** Path of a file with the user's password, of which the line feed at the end is no part. */
  readonly passwordFile?: string;
  /** Path of a file with a token, of which the line feed at the end is no part. */
  readonly tokenFile?: string;
  /**
   * `true`: only with TLS. Or the paths of PEM files: `ca` (those who may sign the servers' certificates, in place of the
   * system's), `cert` and `key` (for servers that ask for one of ours). Never without TLS then.
   * @default false, which takes TLS where a server offers it
   */
  readonly tls?: boolean | NatsTlsOptions;
}

/** Paths of PEM files. */
export interface NatsTlsOptions {
  /** Certificates of those who may sign the servers' ones. Default: those that Node knows. */
  readonly ca?: string;
  /** Our certificate. */
  readonly cert?: string;
  /** Its key. */
  readonly key?: string;
}

/** When a record counts as written: on this disk or in the stream; in the stream; in the collector's log. */
export type Acknowledge = "spilled" | "stored" | "written";

/** Limits of the queue in memory. */
export interface NatsQueueLimits {
  /**
   * Records that wait in memory have at most so many bytes; less than 2 GiB.
   * @default "16MiB"
   */
  readonly queueBytes?: Size;
  /**
   * What becomes of a record for which there is no room, neither here nor in the spill directory.
   * @default "block"
   */
  readonly overflow?: Overflow;
  /**
   * Bytes of records that are sent as one message; no more than the servers' `max_payload` in any case.
   * @default "256KiB"
   */
  readonly maxBatchBytes?: Size;
}

/** Options of {@link NatsHandler}. */
export interface NatsHandlerOptions extends NatsServerOptions {
  /** Name of the stream. */
  readonly stream: string;
  /**
   * Subject, to which the name of the writer is added as its last part. The stream must take it.
   * @default "clh." and the stream
   */
  readonly subject?: string;
  /**
   * What a resolved `flush()` or `writeAsync()` says: a record is in the stream, or on this disk if the stream does not
   * take it in time (`"spilled"`); a majority of the servers has it (`"stored"`); it is in the log, as the collector says
   * (`"written"`).
   * @default "spilled"
   */
  readonly acknowledge?: Acknowledge;
  /**
   * Directory for records that the stream does not take in time. Those that a process leaves there are sent by the next
   * one. Must belong to this user, and nobody else may write to it.
   * @default "clh-spool" in $XDG_STATE_HOME (~/.local/state), on Windows in %LOCALAPPDATA%
   */
  readonly spillDirectory?: string;
  /**
   * After so long without an answer records go to the disk.
   * @default "500ms"
   */
  readonly spillAfter?: Duration;
  /**
   * Bytes that this handler puts there; then records wait in memory, and `overflow` decides.
   * @default "1GiB"
   */
  readonly maxSpillBytes?: Size;
  /**
   * How long `flush()` and `writeAsync()` wait without any progress, and how long `overflow: "block"` waits for room.
   * @default "10s"
   */
  readonly timeout?: Duration;
  /** Limits of the queue in memory. */
  readonly delivery?: NatsQueueLimits;
  /**
   * Trace what happens on standard error, as `NODE_DEBUG=clh` does.
   * @default false
   */
  readonly debug?: boolean;
}

import type { LogFileError } from "../base/errors.js";
import type { Environment } from "../platform/environment.js";
import { Adopter } from "./adopter.js";
import { connectEngine, type Engine } from "./engine.js";
import { EngineError } from "./engine-errors.js";
import { Link } from "./link.js";
import type { ResolvedNatsOptions } from "./resolve-nats-options.js";
import { describeServers } from "./server-options.js";
import { SpoolDirectory, spoolError } from "./spool-directory.js";

/** Counts of the records in spools of processes that have ended: sent, and left. */
export interface SpoolSweep {
  /** Records that are in the stream now, and with `"written"` in the log. */
  readonly sent: number;
  readonly failures: readonly LogFileError[];
}

/**
 * Sends what processes have left that have ended, for this stream, whatever the servers were called then. Gives up after
 * `timeout` without a step forward; what is left stays where it is.
 * @throws {LogFileError} `ERR_CLH_ENGINE` when no server can be reached
 */
export async function sweepSpools(
  options: ResolvedNatsOptions,
  { clock, ...environment }: Environment,
  connect: () => Promise<Engine> = () =>
    connectEngine(options.servers, { fs: environment.fs, name: "clh sweep", isLasting: false }),
): Promise<SpoolSweep> {
  const place = { servers: describeServers(options.servers), stream: options.stream };
  const failures: LogFileError[] = [];
  let sent = 0;
  let lastFailure: unknown;
  const link = new Link(connect, clock, {
    onFailure: (cause) => {
      lastFailure = cause;
    },
    onConnected: (engine) => adopter.listen(engine),
  });
  // The timer keeps the process, which nothing else does.
  let giveUp = () => {};
  const goOn = () => {
    giveUp();
    giveUp = clock.after(options.timeout, () => link.close(), true);
  };
  const spools = new SpoolDirectory(options.spillDirectory, { clock, ...environment });
  const then = "It stays as it is; what can be sent is sent.";
  const adopter = new Adopter({
    spools,
    link,
    clock,
    stream: options.stream,
    servers: undefined,
    onFailure: (path, cause) => void failures.push(spoolError(path, cause, then)),
    onSent: (records) => {
      sent += records;
      goOn();
    },
  });
  try {
    await link.engine();
  } catch (cause) {
    throw new EngineError(cause, "Cannot send what is left", place);
  }
  goOn();
  await adopter.run();
  giveUp();
  if (link.isClosed) {
    const cause = lastFailure ?? new Error("the collector does not say that records are in the log");
    failures.push(new EngineError(cause, "Cannot send what is left", place, `It stays in ${spools.path}.`));
  }
  link.close();
  return { sent, failures };
}

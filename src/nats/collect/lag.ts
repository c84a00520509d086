import type { Clock } from "../../platform/clock.js";
import type { FileSystem } from "../../platform/file-system.js";
import { natsPackages } from "../packages.js";
import type { ResolvedServers } from "../server-options.js";
import { withStreams } from "../stream-check.js";

const ANSWER_MS = 1000;

/** How far a log is behind its stream. */
export interface StreamLag {
  /** Messages that are not in the log. */
  readonly messages: number;
  /** Age of the oldest of them, in seconds; 0 when there is none. */
  readonly seconds: number;
  /** Bytes of all messages in the stream, and the limit; undefined when it has none. */
  readonly bytes: number;
  readonly maxBytes: number | undefined;
  /** The stream was made anew since the cursor was written: nothing of it is in the log. */
  readonly isAnother: boolean;
}

/**
 * Asks the servers of a stream, with the rights of a collector.
 * @param place as the cursor has it; undefined when there is none
 * @throws {LogFileError} `ERR_CLH_ENGINE`
 */
export function askLag(
  servers: ResolvedServers,
  stream: string,
  place: { readonly created: string | undefined; readonly sequence: number | undefined } | undefined,
  { fs, clock }: { readonly fs: FileSystem; readonly clock: Clock },
): Promise<StreamLag> {
  return withStreams(fs, servers, stream, "Cannot ask how far the log is behind", async (manager) => {
    const { created, state, config, ts } = await manager.streams.info(stream);
    const isAnother = place?.created !== undefined && place.created !== created;
    const done = isAnother ? 0 : (place?.sequence ?? 0);
    const messages = Math.max(0, state.last_seq - Math.max(done, state.first_seq - 1));
    const common = { bytes: state.bytes, maxBytes: config.max_bytes > 0 ? config.max_bytes : undefined, isAnother };
    if (messages === 0) return { messages, seconds: 0, ...common };
    const { DeliverPolicy } = natsPackages().jetstream();
    const consumer = await manager.jetstream().consumers.get(stream, {
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: done + 1,
      headers_only: true,
    });
    try {
      const oldest = await consumer.next({ expires: ANSWER_MS });
      const now = ts === undefined ? clock.now() : Date.parse(ts);
      const seconds = oldest === null ? 0 : Math.max(0, (now - oldest.info.timestampNanos / 1e6) / 1000);
      return { messages, seconds, ...common };
    } finally {
      await consumer.delete();
    }
  });
}

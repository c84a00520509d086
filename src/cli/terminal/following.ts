import { type FollowOptions, followBlocks } from "../../reading/records/follow-blocks.js";
import type { BlockReader } from "../../reading/records/read-blocks.js";
import { type Selection, select } from "../../reading/selection.js";
import { Output } from "./output.js";
import { formatter, type OutputFlags } from "./record-format.js";

/** Prints records as they come, until nobody reads them any more. */
export async function printFollowing(
  reader: BlockReader,
  options: FollowOptions,
  selection: Selection,
  flags: OutputFlags,
): Promise<void> {
  const output = new Output();
  const ending = new AbortController();
  output.onClosed = () => ending.abort();
  output.watch();
  const { signal } = ending;
  const format = formatter(flags);
  for await (const record of select(followBlocks(reader, { ...options, signal }), selection, () => signal.aborted)) {
    await output.write(format(record));
    output.flushSoon();
  }
}

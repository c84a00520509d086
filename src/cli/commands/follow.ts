import { Command } from "commander";
import { blockReader } from "../../reading/read-log.js";
import { followBlocks } from "../../reading/records/follow-blocks.js";
import { type Selection, select } from "../../reading/selection.js";
import { Output } from "../terminal/output.js";
import { complain } from "../terminal/printable.js";
import { addReadingFlags, count, moment, pattern, type ReadingFlags } from "../terminal/reading-flags.js";
import { formatOption, formatter, type RecordFormat } from "../terminal/record-format.js";

interface Flags extends ReadingFlags, Omit<Selection, "last" | "format"> {
  readonly fromStart?: boolean;
  readonly last: number;
  readonly format: RecordFormat;
}

export function followCommand(): Command {
  const command = new Command("follow")
    .description("Print the records of a log as they are written, across rotations, like tail -F but missing none.")
    .argument("<file>", "the log")
    .option("--from-start", "begin with the oldest backup")
    .option("--last <n>", "begin with so many of the last records of the file", count, 10)
    .option("--since <time>", 'only records of this time and later: a date, or how long ago, such as "2h"', moment)
    .option("--grep <regex>", "only records that match this regular expression (JavaScript)", pattern)
    .addOption(formatOption());
  return addReadingFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  clh follow app.log\n  clh follow app.log --from-start --grep ERROR --format json",
    )
    .action(follow);
}

async function follow(file: string, { last, format: form, ...flags }: Flags): Promise<void> {
  const output = new Output();
  const ending = new AbortController();
  output.onClosed = () => ending.abort();
  output.watch();
  const reader = blockReader(file, { ...flags, onProblem: ({ message }) => complain(message) });
  const format = formatter(form);
  const { signal } = ending;
  const blocks = followBlocks(reader, { ...flags, last, signal });
  for await (const record of select(blocks, flags, () => signal.aborted)) {
    await output.write(format(record));
    output.flushSoon();
  }
}

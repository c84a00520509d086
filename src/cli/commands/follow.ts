import { Command } from "commander";
import { blockReader } from "../../reading/read-log.js";
import { printFollowing } from "../terminal/following.js";
import { complain } from "../terminal/printable.js";
import { addReadingFlags, count, moment, type ReadingFlags } from "../terminal/reading-flags.js";
import { addOutputFlags, type OutputFlags } from "../terminal/record-format.js";
import { addSelectionFlags, type SelectionFlags, selectionOf } from "../terminal/selection-flags.js";

interface Flags extends ReadingFlags, SelectionFlags, OutputFlags {
  readonly fromStart?: boolean;
  readonly last: number;
}

export function followCommand(): Command {
  const command = new Command("follow")
    .description("Print the records of a log as they are written, across rotations, like tail -F but missing none.")
    .argument("<file>", "the log")
    .option("--from-start", "begin with the oldest backup")
    .option("-n, --last <n>", "begin with so many of the last lines of the file", count, 10)
    .option("--since <time>", 'only records of this time and later: a date, or how long ago, such as "2h"', moment);
  return addReadingFlags(addOutputFlags(addSelectionFlags(command)))
    .addHelpText(
      "after",
      "\nExamples:\n  clh follow app.log\n  clh follow app.log --from-start --grep ERROR --format json" +
        "\n  clh follow app.log --level warning+ --pretty",
    )
    .action(follow);
}

async function follow(file: string, flags: Flags): Promise<void> {
  const selection = selectionOf(flags);
  const reader = blockReader(file, {
    ...flags,
    format: selection.format,
    onProblem: ({ message }) => complain(message),
  });
  await printFollowing(reader, flags, selection, flags);
}

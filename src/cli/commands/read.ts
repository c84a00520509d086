import { Command, Option } from "commander";
import { systemEnvironment } from "../../platform/environment.js";
import { FileStatus } from "../../platform/file-system.js";
import { blockReader } from "../../reading/read-log.js";
import type { Block, LogRecord } from "../../reading/records/block.js";
import { readBlocks } from "../../reading/records/read-blocks.js";
import { isWantedFile, select } from "../../reading/selection.js";
import { printFollowing } from "../terminal/following.js";
import { Histogram } from "../terminal/histogram.js";
import { Output } from "../terminal/output.js";
import { readingProgress } from "../terminal/progress.js";
import { addReadingFlags, count, moment, type ReadingFlags, tellProblem } from "../terminal/reading-flags.js";
import { addOutputFlags, formatter, isAsItIs, type OutputFlags } from "../terminal/record-format.js";
import { addSelectionFlags, type SelectionFlags, selectionOf } from "../terminal/selection-flags.js";

interface Flags extends ReadingFlags, SelectionFlags, OutputFlags {
  readonly until?: number;
  readonly last?: number;
  readonly follow?: boolean;
  readonly histogram?: boolean;
}

export function readCommand(): Command {
  const command = new Command("read")
    .description("Print all records of a log, from the oldest backup to the newest record, while it is written or not.")
    .argument("<file>", "the log")
    .option("--since <time>", 'only records of this time and later: a date, or how long ago, such as "2h"', moment)
    .option("--until <time>", "only records before this time", moment)
    .option("-n, --last <n>", "only the last so many", count);
  addOutputFlags(addSelectionFlags(command))
    .option("--follow", "go on with what is written from then on")
    .addOption(
      new Option("--histogram", "show how many records there are, by time and level").conflicts(["follow", "pretty"]),
    );
  return addReadingFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  clh read app.log | less" +
        '\n  clh read app.log --since "2024-05-17 10:20" --until "2024-05-17 10:30" --grep "ERROR|WARN"' +
        "\n  clh read app.log --since 2h --last 100 --format json" +
        "\n  clh read app.log --level warning+ --where 'status >= 500 && path ~ \"^/api\"' --pretty" +
        "\n  clh read app.log --since 1d --histogram",
    )
    .action(read);
}

async function read(file: string, flags: Flags): Promise<void> {
  const { until, last } = flags;
  const selection = { ...selectionOf(flags), until, last };
  const isText = isAsItIs(flags) && !flags.histogram;
  // Fields are those of whole records.
  if (!isText && flags.format === "text") selection.format ??= "auto";
  const reader = blockReader(file, { ...flags, format: selection.format, onProblem: tellProblem });
  if (flags.follow) return printFollowing(reader, { fromStart: true }, selection, flags);
  const output = new Output();
  // Not in between of what a pipe brings to the same terminal.
  const progress = readingProgress(!process.stderr.isTTY || !isFile(1));
  const blocks = readBlocks({ ...reader, ...progress, isWanted: (part) => isWantedFile(selection, part) });
  const isPlain = isText && Object.values(selection).every((value) => value === undefined);
  try {
    if (flags.histogram) await picture(select(blocks, selection), flags, output);
    else if (isPlain && reader.format.isUtf8 && !process.stdout.isTTY) await copy(blocks, output);
    else await print(select(blocks, selection), formatter(flags), output);
    await output.flush();
  } finally {
    progress.stop();
  }
}

async function picture(records: AsyncIterable<LogRecord>, { json }: Flags, output: Output): Promise<void> {
  const histogram = new Histogram();
  for await (const record of records) histogram.add(record.time, record.level);
  // A terminal that nobody has told its size has none.
  await output.write(json ? histogram.toJson() : histogram.toText(process.stdout.columns || 80));
}

/** As they are in the files, which is much quicker than record by record. */
async function copy(blocks: AsyncIterable<Block>, output: Output): Promise<void> {
  for await (const block of blocks) {
    if (!output.isOpen) return;
    await output.write(block.content);
    if (!block.isWhole && !block.goesOn) await output.write("\n");
  }
}

async function print(
  records: AsyncIterable<LogRecord>,
  format: (record: LogRecord) => string,
  output: Output,
): Promise<void> {
  for await (const record of records) {
    if (!output.isOpen) return;
    const written = output.write(format(record));
    if (written !== undefined) await written;
  }
}

function isFile(fd: number): boolean {
  const status = new FileStatus();
  systemEnvironment().fs.statusOfOpen(fd, status);
  return status.isFile;
}

import { Command } from "commander";
import { systemEnvironment } from "../../platform/environment.js";
import { FileStatus } from "../../platform/file-system.js";
import { blockReader } from "../../reading/read-log.js";
import type { Block, LogRecord } from "../../reading/records/block.js";
import { readBlocks } from "../../reading/records/read-blocks.js";
import { isWantedFile, type Selection, select } from "../../reading/selection.js";
import { Output } from "../terminal/output.js";
import { readingProgress } from "../terminal/progress.js";
import { addReadingFlags, count, moment, pattern, type ReadingFlags, tellProblem } from "../terminal/reading-flags.js";
import { formatOption, formatter, type RecordFormat } from "../terminal/record-format.js";

interface Flags extends ReadingFlags, Omit<Selection, "format"> {
  readonly format: RecordFormat;
}

export function readCommand(): Command {
  const command = new Command("read")
    .description("Print all records of a log, from the oldest backup to the newest record, while it is written or not.")
    .argument("<file>", "the log")
    .option("--since <time>", 'only records of this time and later: a date, or how long ago, such as "2h"', moment)
    .option("--until <time>", "only records before this time", moment)
    .option("--grep <regex>", "only records that match this regular expression (JavaScript)", pattern)
    .option("--last <n>", "only the last so many", count)
    .addOption(formatOption());
  return addReadingFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  clh read app.log | less" +
        '\n  clh read app.log --since "2024-05-17 10:20" --until "2024-05-17 10:30" --grep "ERROR|WARN"' +
        "\n  clh read app.log --since 2h --last 100 --format json",
    )
    .action(read);
}

async function read(file: string, { format, ...flags }: Flags): Promise<void> {
  const output = new Output();
  const reader = blockReader(file, { ...flags, onProblem: tellProblem });
  // Not in between of what a pipe brings to the same terminal.
  const progress = readingProgress(!process.stderr.isTTY || !isFile(1));
  const blocks = readBlocks({ ...reader, ...progress, isWanted: (part) => isWantedFile(flags, part) });
  const { since, until, grep, last } = flags;
  const isPlain = [since, until, grep, last].every((value) => value === undefined) && format === "text";
  try {
    if (isPlain && reader.format.isUtf8 && !process.stdout.isTTY) await copy(blocks, output);
    else await print(select(blocks, flags), formatter(format), output);
    await output.flush();
  } finally {
    progress.stop();
  }
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

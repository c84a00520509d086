import { Command } from "commander";
import type { SequenceResult } from "../../inspection/sequences.js";
import { type Verification, type VerifyLogOptions, verifyLog } from "../../inspection/verify.js";
import { colours } from "../terminal/colours.js";
import { BAD_RESULT } from "../terminal/exit.js";
import { counted, group, sizeText } from "../terminal/layout.js";
import { jsonLine, printable } from "../terminal/printable.js";
import { readingProgress } from "../terminal/progress.js";
import { addReadingFlags, count, duration, pattern, size } from "../terminal/reading-flags.js";

interface Flags extends VerifyLogOptions {
  readonly json?: true;
}

export function verifyCommand(): Command {
  const command = new Command("verify")
    .description("Read all files of a log and say what is wrong with it. It may be written meanwhile.")
    .argument("<file>", "the log")
    .option("--writer-sequence <regex>", "find missing, duplicated and reordered records by a number in each", pattern)
    .option(
      "--max-bytes <size>",
      "largest size of a file (this and the others, by default: as its writers have it)",
      size,
    )
    .option("--backup-count <n>", "most backups", count)
    .option("--max-age <time>", 'age of the oldest backup, such as "14d"', duration)
    .option("--max-total-bytes <size>", "size of all backups together", size)
    .option("--json", "print the result as JSON");
  return addReadingFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  clh verify app.log" +
        "\n  clh verify app.log --max-bytes 10MiB --backup-count 5 --json" +
        "\n  clh verify app.log --writer-sequence 'pid=(?<writer>\\d+) n=(?<seq>\\d+)'",
    )
    .action(verify);
}

async function verify(file: string, { json, ...options }: Flags): Promise<void> {
  const progress = readingProgress(json === true);
  const result = await verifyLog(file, options, progress);
  progress.stop();
  process.stdout.write(json ? jsonLine(result) : report(result));
  if (!result.ok) process.exitCode = BAD_RESULT;
}

function report({ ok, records, bytes, files, findings, writers }: Verification): string {
  const { red, green, yellow } = colours(process.stdout);
  const lines = [
    `${ok ? green("GOOD") : red("BAD")}  ${counted(records, "record")}, ${sizeText(bytes)} in ${counted(files.length, "file")}`,
    ...(writers === undefined ? [] : [writersLine(writers)]),
    ...findings.map(
      ({ severity, message }) => `  ${severity === "problem" ? red("!") : yellow("-")} ${printable(message)}`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function writersLine(writers: readonly SequenceResult[]): string {
  const sum = (key: "missing" | "duplicated" | "reordered") => group(writers.reduce((all, one) => all + one[key], 0));
  return `  ${counted(writers.length, "writer")}: missing ${sum("missing")}, duplicated ${sum("duplicated")}, reordered ${sum("reordered")}`;
}

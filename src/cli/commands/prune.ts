import { Command } from "commander";
import { pruneLogs } from "../../inspection/prune-logs.js";
import { BAD_RESULT } from "../terminal/exit.js";
import { counted, sizeText } from "../terminal/layout.js";
import { complain, jsonLine, printable } from "../terminal/printable.js";
import { size } from "../terminal/reading-flags.js";

interface Flags {
  readonly maxTotal: number;
  readonly dryRun?: true;
  readonly json?: true;
}

export function pruneCommand(): Command {
  return new Command("prune")
    .description("Delete the oldest backups of all logs of a directory until all files are below a size together.")
    .argument("<dir>", "the directory")
    .requiredOption("--max-total <size>", 'what all may have together: bytes, or such as "20GiB"', size)
    .option("--dry-run", "only say what would be deleted, in order; nothing is touched")
    .option("--json", "print what was deleted as JSON")
    .addHelpText(
      "after",
      "\nActive files and the newest backup of each log stay. Logs are those whose writers have left their settings." +
        "\n\nExamples:\n  clh prune /var/log/app --max-total 20GiB --dry-run",
    )
    .action(prune);
}

async function prune(directory: string, { maxTotal, dryRun, json }: Flags): Promise<void> {
  const { failures, ...result } = await pruneLogs(directory, { maxTotalBytes: maxTotal, dryRun });
  const { logs, removed, bytesAfter } = result;
  if (json) process.stdout.write(jsonLine({ ...result, dryRun, failures: failures.map(({ message }) => message) }));
  else {
    const would = dryRun ? "would be removed" : "removed";
    process.stdout.write(removed.map(({ path, size }) => `${would} ${printable(path)} (${sizeText(size)})\n`).join(""));
    const rest = `${sizeText(bytesAfter)} in ${counted(logs.length, "log")}`;
    process.stdout.write(`${removed.length === 0 ? "nothing to do" : dryRun ? "would be left" : "left"}: ${rest}\n`);
  }
  for (const { message } of failures) complain(message);
  if (bytesAfter > maxTotal)
    complain(
      `${printable(directory)} keeps more than --max-total: active files and the newest backup of each log stay`,
    );
  if (failures.length > 0 || bytesAfter > maxTotal) process.exitCode = BAD_RESULT;
}

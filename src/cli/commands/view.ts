import { Command } from "commander";
import { blockReader } from "../../reading/read-log.js";
import { BAD_USAGE, CommandFailure } from "../terminal/exit.js";
import { addReadingFlags, type ReadingFlags, tellProblem } from "../terminal/reading-flags.js";
import { addSelectionFlags, type SelectionFlags, selectionOf } from "../terminal/selection-flags.js";

export function viewCommand(): Command {
  const command = new Command("view")
    .description("Show a log as a page of the terminal: scroll, search, filter and follow, with the keys of less.")
    .argument("<file>", "the log");
  return addReadingFlags(addSelectionFlags(command))
    .addHelpText(
      "after",
      "\nKeys: h shows them, q leaves." +
        "\n\nExamples:\n  clh view app.log\n  clh view app.log --level warning+ --where 'status >= 500'",
    )
    .action(view);
}

async function view(file: string, flags: ReadingFlags & SelectionFlags): Promise<void> {
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new CommandFailure("clh view needs a terminal: use clh read to print a log, or clh follow.", BAD_USAGE);
  const selection = selectionOf(flags);
  const reader = blockReader(file, { ...flags, format: selection.format, onProblem: tellProblem });
  const { Viewer } = await import("../view/viewer.js");
  const viewer = new Viewer(reader, selection);
  if (viewer.isEmpty)
    throw new CommandFailure(`Cannot read ${reader.log}: there is no such log, nor a backup of one.`, BAD_USAGE);
  await viewer.run();
  process.exit(); // the terminal would be waited for
}

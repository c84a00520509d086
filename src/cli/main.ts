#!/usr/bin/env node
import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { LogFileError } from "../base/errors.js";
import { collectCommand } from "./commands/collect.js";
import { completionCommand } from "./commands/completion.js";
import { doctorCommand } from "./commands/doctor.js";
import { followCommand } from "./commands/follow.js";
import { natsCommand } from "./commands/nats.js";
import { pruneCommand } from "./commands/prune.js";
import { readCommand } from "./commands/read.js";
import { rotateCommand, sweepCommand } from "./commands/rotate.js";
import { statusCommand } from "./commands/status.js";
import { stressCommand } from "./commands/stress.js";
import { verifyCommand } from "./commands/verify.js";
import { viewCommand } from "./commands/view.js";
import { writeCommand } from "./commands/write.js";
import { BAD_USAGE, CommandFailure, OK } from "./terminal/exit.js";
import { flagOf } from "./terminal/handler-flags.js";
import { columnsOf, fitHelp, fitText } from "./terminal/layout.js";
import { expectFailingOutput } from "./terminal/output.js";
import { complain } from "./terminal/printable.js";

const require = createRequire(import.meta.url);
const { version } = require("concurrent-log-handler/package.json") as { version: string };

const program: Command = new Command("clh")
  .description("One log file, written by many processes at once: rotated, compressed, no record lost.")
  .version(version)
  .addCommand(writeCommand())
  .addCommand(readCommand())
  .addCommand(followCommand())
  .addCommand(viewCommand())
  .addCommand(verifyCommand())
  .addCommand(statusCommand())
  .addCommand(doctorCommand())
  .addCommand(rotateCommand())
  .addCommand(sweepCommand())
  .addCommand(collectCommand())
  .addCommand(pruneCommand())
  .addCommand(stressCommand())
  .addCommand(natsCommand())
  .addCommand(completionCommand(() => program.commands))
  .addHelpText("after", "\nExit codes: 0 done, 1 done with a bad result, 2 wrong usage or cannot start.");
for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
  fitHelp(command);
  command.exitOverride().configureOutput({
    outputError: (text) => complain(oneLine(text)),
    writeOut: (text) => process.stdout.write(fitText(text, columnsOf(process.stdout))),
  });
}

expectFailingOutput();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
  if (process.stdin.destroyed) process.exit(); // Deno goes on reading a standard input that was destroyed, and stays
}

function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? OK : BAD_USAGE; // it has said why
  if (error instanceof CommandFailure) {
    complain(oneLine(error.message));
    return error.exitCode;
  }
  if (error instanceof LogFileError) {
    const { option, message } = error;
    complain(oneLine(option === undefined ? message : asGiven(message, option)));
    return BAD_USAGE;
  }
  throw error;
}

/** With the name that an option has here. */
function asGiven(message: string, option: string): string {
  if (option === "filename") return message.replace(`the option \`${option}\``, "<file>");
  return message.replace(`\`${option}\``, flagOf(option));
}

function oneLine(text: string): string {
  return text
    .replace(/^error: /, "")
    .trim()
    .replace(/\s*\n\s*/g, " ");
}

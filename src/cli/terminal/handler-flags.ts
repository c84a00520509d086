import { type Command, Option } from "commander";
import type { HandlerOptions } from "../../handler/create-handler.js";
import { OPTIONS, TIME_OPTIONS } from "../../options/option-table.js";
import { commandHook } from "./post-rotate.js";

/** The options that have a flag, in the order of the help. */
const FLAGS = Object.entries(OPTIONS)
  .flatMap(([name, { flag }]) => (flag === undefined ? [] : [{ name, flag }]))
  .sort((a, b) => a.flag[0] - b.flag[0])
  .map(({ name, flag: [place, usage, text, values] }) => ({ name, place, usage, text, values }));

/** Headings of the help, each for the flags up to this place. */
const GROUPS = [
  [80, "Rotation:"],
  [129, "What is kept:"],
  [150, "Compression:"],
  [Number.POSITIVE_INFINITY, "Files and their lock:"],
] as const;

/**
 * Flags of every command that writes a log. Values are checked by the handler; here they only get their type.
 * @param without options that the command does not have
 */
export function addHandlerFlags(command: Command, without: readonly string[] = []): Command {
  for (const { name, place, usage, text, values } of FLAGS) {
    if (without.includes(name)) continue;
    const option = new Option(usage, text).helpGroup(GROUPS.find(([last]) => place <= last)![1]);
    if (typeof values === "function") option.argParser(values);
    else if (values !== undefined) option.choices(values);
    command.addOption(option);
  }
  return command;
}

/** The handler's options among the values of a command. */
export function handlerOptions(flags: Record<string, unknown>): HandlerOptions {
  const given = FLAGS.map(({ name, usage }) => [name, flags[new Option(usage).attributeName()]] as const);
  const options = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  if (typeof options.onArchived === "string") options.onArchived = commandHook(options.onArchived);
  const isTimed = flags.useTimed === true || TIME_OPTIONS.some((name) => name in options);
  return isTimed ? { when: "h", ...options } : options;
}

/** A message of the handler, with the names that options have on the command line. */
export function withFlags(message: string): string {
  return message.replace(/`(\w+)`/g, (quoted, option) => (Object.hasOwn(OPTIONS, option) ? flagOf(option) : quoted));
}

/** The flag that sets an option of the handler, or of a reader. */
export function flagOf(option: string): string {
  const [, usage] = (Object.hasOwn(OPTIONS, option) && OPTIONS[option]?.flag) || [];
  return usage?.replace(/ .*/, "") ?? `--${option.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

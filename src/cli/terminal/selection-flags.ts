import { type Command, InvalidArgumentError } from "commander";
import { parsePath } from "../../reading/fields/field-path.js";
import { parseLevels } from "../../reading/fields/levels.js";
import { parseRecordFormat } from "../../reading/fields/record-format.js";
import { parseWhere } from "../../reading/fields/where.js";
import type { Selection } from "../../reading/selection.js";
import { limitBacktracking, pattern } from "./reading-flags.js";

/** Flags that say which records are wanted, and what they look like. */
export interface SelectionFlags {
  readonly since?: number;
  readonly grep?: RegExp;
  readonly level?: string;
  readonly field?: Readonly<Record<string, string>>;
  readonly where?: string;
  readonly inputFormat?: string;
}

export function addSelectionFlags(command: Command): Command {
  return command
    .option("-g, --grep <regex>", "only records of which a line matches this regular expression (JavaScript)", pattern)
    .option(
      "--level <level>",
      'only records of this level, or with a plus from it on: "error", "warning+"',
      checked(parseLevels),
    )
    .option(
      "--field <path=value>",
      "only records with this value in this field, such as user.id=42; may be repeated",
      field,
    )
    .option(
      "--where <condition>",
      "only records of which this holds, such as 'status >= 500 && !user.id'",
      checked(parseWhere),
    )
    .option(
      "--input-format <format>",
      "what records look like: auto, json, logging, log4js, clf, combined, w3c, or a pattern (default: auto)",
      checked(parseRecordFormat),
    );
}

/** As a reader takes them. */
export function selectionOf(flags: SelectionFlags): Selection {
  const { since, grep, level, field, where, inputFormat: format } = flags;
  return { since, grep, level, field, where, format };
}

/** The text as it is, when it can be read. */
function checked(read: (text: string) => unknown): (text: string) => string {
  return (text) => {
    limitBacktracking();
    refusing(() => read(text));
    return text;
  };
}

function field(text: string, others: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  // A name in brackets may have such a sign in it.
  let at = text.indexOf("=");
  while (at !== -1 && !isPath(text.slice(0, at))) at = text.indexOf("=", at + 1);
  if (at !== -1) return { ...others, [text.slice(0, at)]: text.slice(at + 1) };
  refusing(() => parsePath(text.split("=", 1)[0]!));
  throw new InvalidArgumentError("It must be a path and a value, such as user.id=42.");
}

function isPath(text: string): boolean {
  try {
    parsePath(text);
    return true;
  } catch {
    return false; // it says which column, which is told when there is no better one
  }
}

export function refusing<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { LogRecord } from "../../src/logging/record.js";
import { oracle } from "../support/oracles.js";

/*
 * What Python makes of messages and their arguments. Texts and whole numbers are written as there; other values, as
 * JavaScript writes them: `true`, `null`, `[ 1, 'a' ]`, and 1.0 is 1. A message without conversions takes arguments, which
 * Python refuses: that is how JavaScript's loggers are called.
 */

interface Row {
  readonly id: number;
  readonly msg: unknown;
  readonly args: unknown[] | null;
  readonly out?: string;
  readonly message?: string;
}

const isPlain = (value: unknown) => typeof value === "string" || (Number.isSafeInteger(value) && value !== 1e16);

function inJavaScript(value: unknown): string {
  return typeof value === "object" ? inspect(value) : String(value);
}

/** What is expected where the value and not the rule makes the difference; only `%s` shows values as they are. */
function expected({ msg, args, out }: Row): string {
  if (typeof msg !== "string") return inJavaScript(msg);
  if (!/%s/.test(msg) || /%[^s]/.test(msg)) return out!;
  const values = args ?? [];
  const texts = msg.split("%s");
  if (values.length !== texts.length - 1 || (values.every(isPlain) && !/\d\.0$/.test(out!))) return out!;
  return texts.reduce((text, next, i) => text + inJavaScript(values[i - 1]) + next);
}

describe("messages", () => {
  for (const row of oracle<Row>("logging_message")) {
    test(`${row.id}: ${row.msg} % ${JSON.stringify(row.args)}`, () => {
      const message = () => new LogRecord("n", 20, row.msg, row.args ?? []).getMessage();
      if (row.out !== undefined) assert.equal(message(), expected(row));
      else if (row.msg === "no args") assert.equal(message(), "no args 'extra'");
      else assert.throws(message, { code: "ERR_CLH_FORMAT", message: row.message! });
    });
  }
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Formatter } from "../../src/logging/formatting/formatter.js";
import type { StyleName } from "../../src/logging/formatting/style.js";
import { makeLogRecord } from "../../src/logging/record.js";
import { oracle } from "../support/oracles.js";

/* What Python's Formatter makes of a record. */

interface Row {
  readonly id: number;
  readonly fmt: string | null;
  readonly style: StyleName;
  readonly datefmt: string | null;
  readonly tz: string;
  readonly validate: boolean;
  readonly defaults: Record<string, unknown> | null;
  readonly set: { default_time_format?: string; default_msec_format?: string } | null;
  readonly record: Record<string, unknown>;
  readonly out?: string;
  readonly message?: string;
}

function format({ fmt, style, datefmt, tz, validate, defaults, set, record }: Row): string {
  const formatter = new Formatter(fmt, { style, datefmt, validate, defaults, timeZone: tz });
  if (set?.default_time_format !== undefined) formatter.defaultTimeFormat = set.default_time_format;
  if (set?.default_msec_format !== undefined) formatter.defaultMsecFormat = set.default_msec_format;
  return formatter.format(makeLogRecord(record));
}

describe("formatters", () => {
  for (const row of oracle<Row>("logging_format")) {
    test(`${row.id}: ${row.fmt} ${row.datefmt ?? ""}`, () => {
      if (row.out !== undefined) assert.equal(format(row), row.out);
      else assert.throws(() => format(row), { code: "ERR_CLH_FORMAT", message: row.message! });
    });
  }
});

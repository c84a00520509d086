import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  Formatter,
  getLogger,
  Handler,
  JsonFormatter,
  type JsonFormatterOptions,
  type LogRecord,
  makeLogRecord,
} from "../../../../src/logging.js";

const record = (fields: Record<string, unknown> = {}) =>
  makeLogRecord({
    name: "app",
    levelname: "INFO",
    levelno: 20,
    msg: "a\n%s",
    args: ["b"],
    created: 1709164799.5,
    msecs: 500,
    ...fields,
  });

const json = (options?: JsonFormatterOptions, fields?: Record<string, unknown>) =>
  new JsonFormatter(options).format(record(fields));

describe("JSON", () => {
  test("is one line, with the time by ISO 8601", () => {
    const line = json();
    assert.ok(!line.includes("\n"));
    assert.deepEqual(JSON.parse(line), {
      time: "2024-02-28T23:59:59.500Z",
      level: "INFO",
      logger: "app",
      message: "a\nb",
    });
    assert.equal(JSON.parse(json({ timeZone: "Asia/Kathmandu" })).time, "2024-02-29T05:44:59.500+05:45");
    assert.equal(JSON.parse(json({ datefmt: "%H:%M" })).time, "23:59");
  });

  test("has the fields that are asked for, and fixed ones", () => {
    const options = { fields: { n: "levelno", where: "lineno" }, defaults: { service: "api" } };
    assert.deepEqual(JSON.parse(json(options, { lineno: 7 })), { service: "api", n: 20, where: 7 });
    assert.deepEqual(JSON.parse(json({ fields: {} })), {});
    assert.throws(() => json({ fields: { x: "nothing" } }), { code: "ERR_CLH_FORMAT" });
  });

  test("has extra fields, also those that JSON cannot hold, and errors with their causes", () => {
    const lines: string[] = [];
    class Lines extends Handler {
      override emit(one: LogRecord): void {
        lines.push(this.format(one));
      }
    }
    const logger = getLogger("json");
    logger.propagate = false;
    logger.addHandler(new Lines({ formatter: new JsonFormatter() }));
    const circular: Record<string, unknown> = { big: 10n ** 20n };
    circular.self = circular;
    const hostile = Object.defineProperty({}, "x", { enumerable: true, get: () => assert.fail("never") });
    const error = Object.assign(new Error("outer", { cause: new TypeError("inner") }), { code: "E_CODE" });
    logger.with({ extra: { circular, hostile, level: "mine", error2: error } }).exception(error);
    const { circular: shown, "extra.level": level, error: told, error2 } = JSON.parse(lines[0]!);
    assert.equal(shown.self, "[Circular]");
    assert.equal(level, "mine");
    assert.deepEqual(
      [told.type, told.message, told.code, told.cause.type, told.cause.message],
      ["Error", "outer", "E_CODE", "TypeError", "inner"],
    );
    assert.match(told.stack, /^Error: outer\n/);
    assert.equal(error2.message, "outer");
  });
});

test("an error that is in itself many times is written once", () => {
  const error = new AggregateError([], "all");
  error.errors = [...Array(6).fill(error), new Error("one")];
  const { error: told } = JSON.parse(json({}, { excInfo: error }));
  assert.deepEqual(
    [told.message, told.errors.length, told.errors[0]],
    ["all", 7, { type: "AggregateError", message: "all" }],
  );
  assert.match(told.errors[6].stack, /^Error: one/);
});

test("zones", () => {
  const format = (timeZone: string) => new Formatter("%(asctime)s", { datefmt: "%H:%M %z", timeZone }).format(record());
  assert.equal(format("+05:30"), "05:29 +0530");
  assert.equal(format("Europe/Berlin"), "00:59 +0100");
  assert.throws(() => format("Mars/Base"), { code: "ERR_CLH_OPTION", message: /IANA time zone/ });
});

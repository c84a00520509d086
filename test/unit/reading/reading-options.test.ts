import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { followLog, readLog } from "../../../src/index.js";
import { temporaryDirectory } from "../../support/temporary.js";

/* A mistake in an option is told, and does not look like a log without such records. */

type Read = (path: unknown, options?: unknown) => AsyncGenerator<{ text: string }>;
const READERS = { readLog: readLog as Read, followLog: followLog as Read };

const REFUSED: readonly [options: unknown, message: RegExp][] = [
  [{ since: "2h" }, /`since` to be a valid Date, or milliseconds since 1970, got '2h'/],
  [{ since: "2024-05-17" }, /`since`/],
  [{ since: new Date("yesterday") }, /`since` .*got Invalid Date/],
  [{ until: Number.NaN }, /`until` .*got NaN/],
  [{ until: null }, /`until` .*got null/],
  [{ last: Number.NaN }, /`last` to be a whole number, 0 or more, got NaN/],
  [{ last: -1 }, /`last`/],
  [{ last: "3" }, /`last`/],
  [{ grep: "x" }, /`grep` to be a regular expression, such as \/ERROR\/, got 'x'/],
  [{ signal: new AbortController() }, /`signal` to be an AbortSignal/],
  [{ terminator: 5 }, /`terminator` to be a text, got 5/],
  [{ encoding: "klingon" }, /`encoding` to be an encoding such as .*klingon/],
  [{ encoding: 5 }, /`encoding`/],
  [{ lockFileDirectory: "" }, /`lockFileDirectory` to be the path of a directory/],
  [{ onProblem: "ignore" }, /`onProblem` to be a function/],
  [{ sinc: new Date() }, /Unknown option `sinc`\. Did you mean `since`\?/],
  [null, /`options` to be an object, got null/],
  ["utf-8", /`options` to be an object/],
];

for (const [name, read] of Object.entries(READERS)) {
  describe(`${name} refuses`, () => {
    for (const [options, message] of REFUSED) {
      test(`${message}`, async () => {
        await assert.rejects(read("app.log", options).next(), { code: "ERR_CLH_OPTION", message });
      });
    }

    for (const path of [undefined, 5, "", "a\0b", new URL("https://example.org/app.log")]) {
      test(`the path ${JSON.stringify(path)}`, async () => {
        await assert.rejects(read(path).next(), { code: "ERR_CLH_OPTION", message: /`path` to be the path of a file/ });
      });
    }
  });
}

test("what only followLog knows", async () => {
  const options = { fromStart: "yes" };
  const message = /`fromStart` to be true or false/;
  await assert.rejects(READERS.followLog("app.log", options).next(), { code: "ERR_CLH_OPTION", message });
  await assert.rejects(READERS.readLog("app.log", options).next(), { message: /Unknown option/, value: "yes" });
});

test("all options as they are meant, also undefined, and of another realm", async (t) => {
  const log = join(temporaryDirectory(t), "app.log");
  writeFileSync(log, "2024-05-17T10:00Z one\n2024-05-18T10:00Z two\n");
  const options = {
    encoding: "latin-1",
    terminator: "\n",
    lockFileDirectory: undefined,
    onProblem: assert.ifError,
    since: runInNewContext('new Date("2024-05-18")'),
    until: Number.POSITIVE_INFINITY,
    grep: runInNewContext("/two/g"),
    last: 5,
  };
  const following = { ...options, fromStart: true, signal: new AbortController().signal };
  for (const records of [READERS.readLog(pathToFileURL(log), options), READERS.followLog(log, following)]) {
    assert.equal((await records.next()).value.text, "2024-05-18T10:00Z two");
    await records.return(undefined);
  }
});

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import fc from "fast-check";
import { ConcurrentRotatingFileHandler, type RotatingFileHandlerOptions } from "../../../src/index.js";
import { temporaryDirectory } from "../../support/temporary.js";

function make(t: TestContext, options: RotatingFileHandlerOptions = {}) {
  const handler = new ConcurrentRotatingFileHandler(join(temporaryDirectory(t), "app.log"), options);
  t.after(() => handler.close());
  return handler;
}

/** What the file has after `write` has been called with each line. */
async function oneByOne(t: TestContext, lines: string[], options?: RotatingFileHandlerOptions): Promise<Buffer> {
  const handler = make(t, options);
  for (const line of lines) handler.write(line);
  await handler.flush();
  return readFileSync(handler.filename);
}

const SOME = ["", "one", "zwei ü", "三 €", "😀", "x".repeat(70_000), "ü".repeat(16_384), "y".repeat(16_383), "last"];

describe("lines at once are the same as one by one", () => {
  const ways: [string, RotatingFileHandlerOptions][] = [
    ["sync", {}],
    ["batched", { delivery: "batched" }],
    ["background", { delivery: "background" }],
    ["another terminator", { terminator: "|" }],
    ["another newline", { newline: "\r\n" }],
    ["another encoding", { encoding: "utf-16-le" }],
  ];
  for (const [name, options] of ways) {
    test(name, async (t) => {
      const handler = make(t, options);
      handler.writeLines(SOME.map((line) => `${line}\n`).join(""));
      handler.writeLines("no end");
      handler.writeLines("");
      await handler.flush();
      assert.deepEqual(readFileSync(handler.filename), await oneByOne(t, [...SOME, "no end"], options));
      assert.equal(handler.stats().records, SOME.length + 1);
    });
  }

  test("bytes", async (t) => {
    const handler = make(t);
    const bytes = Buffer.concat([Buffer.from(SOME.join("\n")), Buffer.of(0x0a, 0xff, 0x0a, 0x80)]);
    handler.writeLines(bytes);
    assert.deepEqual(readFileSync(handler.filename), Buffer.concat([bytes, Buffer.of(0x0a)]));
    assert.equal(handler.stats().records, SOME.length + 2);
  });

  test("whatever they are", (t) => {
    const line = fc.string({ unit: "binary" }).map((text) => text.replaceAll("\n", ""));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), (lines) => {
        const [together, single] = [make(t), make(t)];
        together.writeLines(lines.map((text) => `${text}\n`).join(""));
        for (const text of lines) single.write(text);
        assert.deepEqual(readFileSync(together.filename), readFileSync(single.filename));
        together.close();
        single.close();
      }),
      { numRuns: 50 },
    );
  });
});

test("each of them fits into the limit", (t) => {
  const handler = make(t, { maxBytes: 1000, backupCount: 1000 });
  const lines = Array.from({ length: 300 }, (_, i) => `${i} ${"x".repeat(i % 90)}`);
  assert.equal(handler.writeLines(`${lines.join("\n")}\n`), true);
  const directory = join(handler.filename, "..");
  const files = readdirSync(directory).filter((name) => name.startsWith("app.log"));
  const contents = files.map((name) => readFileSync(join(directory, name), "utf8"));
  assert.ok(contents.every(({ length }) => length <= 1000));
  const found = contents.flatMap((content) => content.split("\n").slice(0, -1));
  assert.deepEqual(found.sort(), lines.sort());
});

test("one that cannot be encoded is refused, and the others are written", (t) => {
  const handler = make(t, { unicodeErrorPolicy: "strict" });
  const errors: string[] = [];
  handler.on("error", ({ code }) => errors.push(code));
  assert.equal(handler.writeLines("one\n\ud800\nthree\n"), false);
  assert.equal(readFileSync(handler.filename, "utf8"), "one\nthree\n");
  assert.deepEqual(errors, ["ERR_CLH_ENCODE"]);
});

test("a namer that logs lines while a batch of lines is written", async (t) => {
  const handler = make(t, { maxBytes: 20, backupCount: 9 });
  let logged = 0;
  handler.namer = (name) => {
    if (logged++ === 0) handler.writeLines("n1\nn2\n"); // what it logs rotates the file as well
    return name;
  };
  handler.writeLines("first line\nsecond line\n");
  await handler.flush();
  const directory = join(handler.filename, "..");
  const files = readdirSync(directory).filter((name) => name.startsWith("app.log"));
  const found = files.flatMap((name) => readFileSync(join(directory, name), "utf8").split("\n").slice(0, -1));
  assert.deepEqual(new Set(found), new Set(["first line", "second line", "n1", "n2"]));
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { RotatingFileHandlerOptions } from "../../src/index.js";
import { listLogFiles } from "../../src/log-files/list-files.js";
import { systemEnvironment } from "../../src/platform/environment.js";
import { temporaryDirectory } from "../support/temporary.js";

/* The threads of this package start however the program was started, and no more of them than there must be. */

const skip = ("deno" in process.versions || "bun" in process.versions) && "the flags are Node's";
const INDEX = new URL("../../src/index.js", import.meta.url).href;

/** All that is in the files of a log. */
function contentOf(log: string): string {
  const files = listLogFiles(systemEnvironment().fs, log);
  return files.map(({ path }) => (path.endsWith(".gz") ? gunzipSync(readFileSync(path)) : readFileSync(path))).join("");
}

describe("a logger in a preloaded module", { concurrency: 2, skip }, () => {
  const compressing = { maxBytes: 300, backupCount: 100, useGzip: true };
  const cases: [name: string, handlers: RotatingFileHandlerOptions[], threads: string[]][] = [
    ["background", [{ delivery: "background" }], ["clh-background starts nothing", "main starts clh-background"]],
    ["compression", [compressing], ["clh-sweep starts nothing", "main starts clh-sweep"]],
    [
      "both",
      [{ ...compressing, delivery: "background" }],
      ["clh-background starts clh-sweep", "clh-sweep starts nothing", "main starts clh-background"],
    ],
  ];
  const preload = new URL("../fixtures/preloaded-logger.js", import.meta.url).href;
  const ways: [name: string, args: string[], env: NodeJS.ProcessEnv][] = [
    ["--import", ["--import", preload], {}],
    ["NODE_OPTIONS", [], { NODE_OPTIONS: `--import=${preload}` }],
  ];
  for (const [name, handlers, threads] of cases) {
    for (const [way, args, env] of ways) {
      test(`${name}, by ${way}: two threads at most, and all records of each`, (t) => {
        const directory = temporaryDirectory(t);
        const told = join(directory, "threads.txt");
        const program = `
          const look = setInterval(() => {
            const { existsSync, readFileSync } = require("node:fs");
            const file = ${JSON.stringify(told)};
            if (existsSync(file) && readFileSync(file, "utf8").split("\\n").length > ${threads.length}) clearInterval(look);
          }, 5);`;
        const { status, signal, stderr } = spawnSync(process.execPath, [...args, "--eval", program], {
          env: { ...process.env, ...env, CLH_PRELOADED: JSON.stringify([directory, handlers]) },
          encoding: "utf8",
        });
        assert.deepEqual([status, signal, stderr], [0, null, ""]);
        assert.deepEqual(readFileSync(told, "utf8").trim().split("\n").sort(), threads);
        for (const i of handlers.keys()) {
          const found = contentOf(join(directory, `${i}.log`)).match(/thread \d+, record \d+/g)!;
          assert.equal(found.length, 20 * threads.length);
          assert.equal(new Set(found).size, found.length);
        }
      });
    }
  }
});

describe("both threads start in a program that is", { concurrency: 2, skip }, () => {
  const program = (directory: string) => `
    (async () => {
      const { ConcurrentRotatingFileHandler } = await import(${JSON.stringify(INDEX)});
      const { isMainThread } = await import("node:worker_threads");
      const options = { maxBytes: 60, backupCount: 3, useGzip: true };
      for (const delivery of ["sync", "background"]) {
        const handler = new ConcurrentRotatingFileHandler(${JSON.stringify(directory)} + "/" + delivery + ".log", { ...options, delivery });
        for (const told of ["error", "warning"]) handler.on(told, ({ message }) => console.log(message));
        for (let i = 0; i < 3; i++) {
          handler.write("x".repeat(50));
          await handler.flush();
          await handler.swept();
        }
        handler.close();
      }
    })();`;
  const agent = `data:text/javascript,${encodeURIComponent("globalThis.agent = true;")}`;
  const forms: [name: string, args: string[], options?: string | undefined, isInput?: boolean][] = [
    ["--eval", ["--eval"]],
    ["--print", ["--print"]],
    ["--input-type=module --eval", ["--input-type=module", "--eval"]],
    ["--input-type module --eval", ["--input-type", "module", "--eval"]],
    ["--input-type=commonjs --eval", ["--input-type=commonjs", "--eval"]],
    ["standard input", [], undefined, true],
    ["standard input with --input-type=module", ["--input-type=module"], undefined, true],
    ["standard input with --input-type module -", ["--input-type", "module", "-"], undefined, true],
    ["NODE_OPTIONS=--input-type=module --eval", ["--eval"], "--input-type=module"],
    [
      "NODE_OPTIONS with others beside it",
      ["--eval"],
      `--no-warnings --input-type module --import=${agent} --trace-warnings`,
    ],
    ["--input-type in both", ["--input-type=module", "--eval"], "--input-type=module"],
    [
      "--input-type beside flags of the process",
      ["--max-old-space-size=500", "--expose-gc", "--input-type=module", "--import", agent, "--eval"],
    ],
  ];
  for (const [name, args, NODE_OPTIONS, isInput = false] of forms) {
    test(name, (t) => {
      const directory = temporaryDirectory(t);
      const code = program(directory);
      const { status, stdout, stderr } = spawnSync(process.execPath, isInput ? args : [...args, code], {
        env: { ...process.env, ...(NODE_OPTIONS !== undefined && { NODE_OPTIONS }) },
        input: isInput ? code : "",
        encoding: "utf8",
      });
      assert.deepEqual([status, stdout.replace(/^Promise.*\n/, ""), stderr], [0, "", ""]);
      for (const delivery of ["sync", "background"]) {
        const log = join(directory, `${delivery}.log`);
        assert.equal(contentOf(log), `${"x".repeat(50)}\n`.repeat(3));
        const names = listLogFiles(systemEnvironment().fs, log).map(({ path }) => path.slice(directory.length + 1));
        assert.deepEqual(names, [`${delivery}.log.2.gz`, `${delivery}.log.1.gz`, `${delivery}.log`]);
      }
    });
  }
});

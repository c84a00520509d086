import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryDirectory } from "../support/temporary.js";

/* Node's permission model refuses calls on descriptors that it has let us open, and names what else it denies. */

const FLAG = Number.parseInt(process.versions.node, 10) < 23 ? "--experimental-permission" : "--permission";
const skip = "bun" in process.versions || "deno" in process.versions;

function run(t: TestContext, flags: readonly string[], delivery = "sync"): { directory: string; told: string } {
  const directory = temporaryDirectory(t);
  const module = new URL("../../src/index.js", import.meta.url);
  const program = join(directory, "program.mjs");
  const text = `
    import { ConcurrentRotatingFileHandler } from ${JSON.stringify(module.href)};
    try {
      const options = { maxBytes: "1k", backupCount: 2, useGzip: true, chmod: 0o640, sync: "full", delivery: ${JSON.stringify(delivery)} };
      const handler = new ConcurrentRotatingFileHandler(${JSON.stringify(join(directory, "app.log"))}, options);
      handler.on("error", ({ message }) => console.log(message));
      for (let i = 0; i < 400; i++) handler.write("record " + i);
      handler.close();
      await handler.swept();
    } catch ({ message }) { console.log(message); }`;
  writeFileSync(program, text);
  const { stdout } = spawnSync(process.execPath, [FLAG, "--allow-fs-read=*", ...flags, program], { encoding: "utf8" });
  return { directory, told: stdout };
}

test("with permission for files, threads and addons, all is as without the model", { skip }, (t) => {
  const { directory, told } = run(t, ["--allow-fs-write=*", "--allow-worker", "--allow-addons"]);
  assert.equal(told, "");
  const files = readdirSync(directory).filter((name) => name.startsWith("app.log"));
  assert.deepEqual(files.sort(), ["app.log", "app.log.1.gz", "app.log.2.gz"]);
  const modes = files.map((name) => statSync(join(directory, name)).mode & 0o777);
  if (process.platform !== "win32") assert.deepEqual(modes, [0o640, 0o640, 0o640]);
});

test("the permission that is missing is named", { skip }, (t) => {
  assert.match(run(t, ["--allow-fs-write=*", "--allow-worker"]).told, /start Node with --allow-addons/);
  assert.match(run(t, ["--allow-addons", "--allow-worker"]).told, /start Node with --allow-fs-write\./);
  const noThreads = ["--allow-fs-write=*", "--allow-addons"];
  const { told } = run(t, noThreads);
  assert.match(told, /^Cannot start the thread that compresses .* start Node with --allow-worker\. They stay /);
  assert.match(
    run(t, noThreads, "background").told,
    /^The thread that writes .* was lost: .* start Node with --allow-worker\. This thread writes from now on\.\n/,
  );
});

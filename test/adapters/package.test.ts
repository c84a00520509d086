import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { installed, pack, ROOT } from "../support/package.js";

/* The adapters in the package: found by all who look for them, and no burden for those who do not. */

const NAMES = ["pino", "winston", "log4js", "logtape"];
const TOOLS = join(ROOT, "test", "hosts", "node_modules");

let tarball: string;
before((t) => {
  tarball = pack(t as TestContext);
});

test("publint", () => {
  const args = [join(TOOLS, "publint", "src", "cli.js"), "run", tarball, "--strict"];
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.match(stdout, /All good!/);
  assert.equal(status, 0);
});

test("are the types wrong? They are not", () => {
  const flags = ["--format", "ascii", "--no-emoji"];
  const args = [join(TOOLS, "@arethetypeswrong", "cli", "dist", "index.js"), tarball, ...flags];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
  for (const name of NAMES) assert.ok(stdout.includes(`concurrent-log-handler/${name}`), stdout);
});

test("types: the module in place of its name for log4js; LogTape as its oldest version has it", (t) => {
  const folder = installed(t, tarball, ["log4js", "@logtape/logtape", "@types/node", "undici-types"]);
  const text = `
    import * as file from "concurrent-log-handler/log4js";
    import { getConcurrentRotatingFileSink } from "concurrent-log-handler/logtape";
    import log4js from "log4js";
    log4js.configure({
      appenders: { file: { type: file, filename: "app.log" } },
      categories: { default: { appenders: ["file"], level: "info" } },
    });
    export const drained: Promise<void> = getConcurrentRotatingFileSink("app.log").drain();
  `;
  writeFileSync(join(folder, "use.mts"), text);
  const flags = "--noEmit --strict --skipLibCheck --module nodenext --target es2023 --types node use.mts";
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, ...flags.split(" ")], { cwd: folder, encoding: "utf8" });
  assert.equal(stdout, "");
  const declared = readFileSync(
    join(folder, "node_modules", "concurrent-log-handler", "dist", "types", "adapters", "logtape.d.ts"),
    "utf8",
  );
  assert.doesNotMatch(declared, /Drainable/); // new in LogTape 2.4
});

describe("without hosts", () => {
  test("the package installs none, and importing it looks for none", (t) => {
    const folder = installed(t, tarball);
    const text = `
      import "concurrent-log-handler";
      import { createRequire } from "node:module";
      createRequire(import.meta.url)("concurrent-log-handler");
    `;
    writeFileSync(join(folder, "use.mjs"), text);
    const hook = `
      export async function resolve(what, context, next) {
        if (/pino|winston|log4js|logtape|adapters/.test(what)) throw new Error("looked for " + what);
        return next(what, context);
      }`;
    writeFileSync(join(folder, "hook.mjs"), hook);
    const register = `data:text/javascript,import{register}from"node:module";register("./hook.mjs","file://${folder}/");`;
    execFileSync(process.execPath, ["--import", register, "use.mjs"], { cwd: folder, stdio: "pipe" });
    writeFileSync(join(folder, "wrong.mjs"), 'import "concurrent-log-handler/log4js";');
    const { stderr } = spawnSync(process.execPath, ["--import", register, "wrong.mjs"], {
      cwd: folder,
      encoding: "utf8",
    });
    assert.match(stderr, /looked for concurrent-log-handler\/log4js/);
  });

  test("an adapter that needs its host says which one is missing", (t) => {
    const folder = installed(t, tarball);
    for (const name of ["winston", "logtape"]) {
      writeFileSync(join(folder, "use.mjs"), `import "concurrent-log-handler/${name}";`);
      const { stderr } = spawnSync(process.execPath, ["use.mjs"], { cwd: folder, encoding: "utf8" });
      assert.match(stderr, new RegExp(`Cannot find package '(@logtape/)?${name}'`));
    }
  });
});

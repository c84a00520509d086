import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { readLog } from "../../src/index.js";
import { pack, ROOT } from "../support/package.js";
import { temporaryDirectory } from "../support/temporary.js";

/* The recipes of docs/how-to/bundlers.md, as they stand there, with the real bundlers from npm and the packed package. */

const PACKAGES = ["esbuild@0.28.2", "webpack@5.112.2", "webpack-cli@7.3.1", "vite@8.3.8", "next@16.4.6"];
const RECORDS = 3000;
const WEBPACK_MODULE = `experiments: { outputModule: true },
  output: { filename: "webpack.mjs", module: true },
  externalsType: "module"`;
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };

const recipeOf = new Map<string, string>();

let folder: string;
before((t) => {
  folder = temporaryDirectory(t as TestContext);
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  const others = ["pino@10.4.0", "react@19.3.1", "react-dom@19.3.1"];
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", pack(t as TestContext)];
  execFileSync("npm", [...args, ...PACKAGES, ...others], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  cpSync(join(ROOT, "test", "fixtures", "bundled"), folder, { recursive: true });
  const page = readFileSync(join(ROOT, "docs", "how-to", "bundlers.md"), "utf8");
  for (const [, name, recipe] of page.matchAll(/```mjs\n\/\/ (\S+)\n(.*?)```/gs)) recipeOf.set(name!, recipe!);
});

/** Writes a recipe of the page, changed in one way: `from` must be in it. */
function recipe(name: string, from = "", to = ""): void {
  const text = recipeOf.get(name)!;
  assert.ok(text.includes(from), `${name} has no ${from}`);
  writeFileSync(join(folder, name), text.replaceAll(from, to));
}

function build(command: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, env, encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
}

const tool = (name: string) => join(folder, "node_modules", ".bin", name);

function run(t: TestContext, program: string): { directory: string; status: number | null; stderr: string } {
  const directory = temporaryDirectory(t);
  const args = [join(folder, "dist", program), directory, `${RECORDS}`];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: directory, encoding: "utf8" });
  return { directory, status, stderr: stderr.replace(/.*ExperimentalWarning[^\n]*\n\(Use .*\n/, "") };
}

const records = (text: (number: number) => string) => Array.from({ length: RECORDS }, (_, number) => text(number));

async function logged(directory: string, name: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of readLog(join(directory, name))) texts.push(text);
  return texts;
}

async function assertAllLogged(directory: string): Promise<void> {
  const expected = records((number) => `record ${number}`);
  assert.deepEqual(await logged(directory, "background.log"), expected);
  assert.deepEqual(await logged(directory, "timed.log"), expected);
  assert.deepEqual(
    (await logged(directory, "pino.log")).map((line) => JSON.parse(line).msg),
    expected,
  );
  assert.ok(readdirSync(directory).includes("background.log.2.gz"), "nothing was compressed");
}

async function assertRuns(t: TestContext, program: string): Promise<void> {
  const { directory, status, stderr } = run(t, program);
  assert.deepEqual([status, stderr], [0, ""]);
  await assertAllLogged(directory);
}

describe("esbuild", () => {
  for (const format of ["esm", "cjs"]) {
    test(format, async (t) => {
      recipe("build.mjs", '"esm"', `"${format}"`);
      build(process.execPath, "build.mjs");
      const made = readFileSync(join(folder, "dist", "app.mjs"));
      const name = format === "cjs" ? "app.cjs" : "app.mjs";
      writeFileSync(join(folder, "dist", name), made);
      await assertRuns(t, name);
    });
  }
});

test("webpack, CommonJS", async (t) => {
  recipe("webpack.config.mjs");
  build(tool("webpack"));
  await assertRuns(t, "app.cjs");
});

test("webpack, ES module", async (t) => {
  recipe("webpack.config.mjs", 'output: { filename: "app.cjs" },\n  externalsType: "commonjs"', WEBPACK_MODULE);
  build(tool("webpack"));
  await assertRuns(t, "webpack.mjs");
});

for (const others of ["", ", noExternal: true"]) {
  test(`Vite${others}`, async (t) => {
    recipe("vite.config.mjs", '"pino"]', `"pino"]${others}`);
    build(tool("vite"), "build");
    await assertRuns(t, "app.mjs");
  });
}

for (const bundler of ["turbopack", "webpack"]) {
  test(`Next.js, standalone, ${bundler}`, async (t) => {
    recipe("next.config.mjs");
    build(tool("next"), "build", `--${bundler}`);
    const server = temporaryDirectory(t);
    cpSync(join(folder, ".next", "standalone"), server, { recursive: true, verbatimSymlinks: true });
    const directory = temporaryDirectory(t);
    const port = await freePort();
    const child = spawn(process.execPath, ["server.js"], {
      cwd: server,
      env: { ...env, PORT: `${port}`, HOSTNAME: "127.0.0.1" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => child.kill("SIGKILL"));
    for await (const chunk of child.stdout) if (/Ready/.test(`${chunk}`)) break;
    const answer = await fetch(
      `http://127.0.0.1:${port}/log?${new URLSearchParams({ directory, records: `${RECORDS}` })}`,
    );
    assert.equal(await answer.text(), "done");
    await assertAllLogged(directory);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

describe("bundled all the same", () => {
  const bundle = (entry: string, file: string, format: string) => {
    const options = { entryPoints: [entry], outfile: `dist/${file}`, bundle: true, platform: "node", format };
    // esbuild's own `require` of such a bundle throws.
    const banner = {
      js: 'import * as module from "node:module"; const require = module.createRequire(import.meta.url);',
    };
    const text = JSON.stringify(format === "esm" ? { ...options, banner } : options);
    writeFileSync(join(folder, "all.mjs"), `import { build } from "esbuild";\nawait build(${text});\n`);
    build(process.execPath, "all.mjs");
  };

  test("CommonJS: an error that says what to do", (t) => {
    bundle("without-pino.mjs", "all.cjs", "cjs");
    const { status, stderr } = run(t, "all.cjs");
    assert.match(stderr, /ERR_CLH_NATIVE/);
    assert.match(stderr, /Cannot load the file lock. .* leave this package out of the bundle/);
    assert.equal(status, 1);
  });

  test("ES module: the threads that are missing are told of, and no record is lost", async (t) => {
    bundle("without-pino.mjs", "all.mjs", "esm");
    const { directory, status, stderr } = run(t, "all.mjs");
    assert.match(stderr, /background-worker\.js.*This thread writes from now on.*ERR_CLH_THREAD/);
    assert.match(stderr, /compression-worker\.js.*ERR_CLH_COMPRESS/);
    assert.equal(status, 0);
    assert.deepEqual(
      await logged(directory, "background.log"),
      records((number) => `record ${number}`),
    );
  });
});

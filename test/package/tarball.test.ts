import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { before, describe, type TestContext, test } from "node:test";
import { installed, pack, ROOT } from "../support/package.js";
import { temporaryDirectory } from "../support/temporary.js";

/* The package as a user gets it: packed, unpacked, and used from an empty folder. */

const { name, dependencies, optionalDependencies, devDependencies } = JSON.parse(
  readFileSync(join(ROOT, "package.json"), "utf8"),
);
let tarball: string;

before((t) => {
  tarball = pack(t as TestContext);
});

function run(folder: string, file: string, text: string): { status: number | null; stdout: string; stderr: string } {
  writeFileSync(join(folder, file), text);
  return spawnSync(process.execPath, [file], { cwd: folder, encoding: "utf8" });
}

const USE = `
  const handler = new ConcurrentRotatingFileHandler("app.log", { maxBytes: "1k", backupCount: 2, useGzip: true });
  for (let i = 0; i < 300; i++) handler.write("record " + i);
  handler.swept().then(() => console.log(require("node:fs").readdirSync(".").filter((n) => n.startsWith("app.log")).sort().join()));
`;

describe("from an empty folder", () => {
  test("import", (t) => {
    const text = `import { createRequire } from "node:module";\nimport { ConcurrentRotatingFileHandler } from "${name}";\nconst require = createRequire(import.meta.url);${USE}`;
    const { stdout, stderr } = run(installed(t, tarball), "use.mjs", text);
    assert.equal(stderr, "");
    assert.equal(stdout, "app.log,app.log.1.gz,app.log.2.gz\n");
  });

  test("require", (t) => {
    const { stdout, stderr } = run(
      installed(t, tarball),
      "use.cjs",
      `const { ConcurrentRotatingFileHandler } = require("${name}");${USE}`,
    );
    assert.equal(stderr, "");
    assert.equal(stdout, "app.log,app.log.1.gz,app.log.2.gz\n");
  });

  test("the command", (t) => {
    const folder = installed(t, tarball);
    const home = join(folder, "node_modules", name);
    const { bin } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
    // Outside of a project, npx asks the registry for a package that is called like the command.
    for (const command of ["clh", name]) {
      const file = `${command}.log`;
      execFileSync(process.execPath, [join(home, bin[command]), "write", file], { cwd: folder, input: "one\n" });
      assert.equal(readFileSync(join(folder, file), "utf8"), "one\n");
    }
  });

  test("types, for ESM and CommonJS", (t) => {
    const folder = installed(t, tarball, ["@types/node", "undici-types"]);
    const use = `
      const handler = new ConcurrentRotatingFileHandler("app.log", { maxBytes: "10MiB", backupCount: 5 });
      const written: boolean = handler.write("x");
      handler.on("rotated", ({ from, to, reason }) => { const path: string | undefined = to ?? from; void path; void reason; });
      handler.on("error", (error: LogFileError) => { const code: LogFileErrorCode = error.code; void code; });
      // @ts-expect-error: there is no such option
      new ConcurrentRotatingFileHandler("app.log", { maxByte: 5 });
      // @ts-expect-error: a size is a number or a text
      new ConcurrentRotatingFileHandler("app.log", { maxBytes: true });
      const configuration = { maxBytes: process.env.LOG_MAX ?? "10MiB", lockTimeout: "10s", backupCount: 5 };
      new ConcurrentRotatingFileHandler("app.log", configuration);
      void written;
    `;
    writeFileSync(
      join(folder, "use.mts"),
      `import { ConcurrentRotatingFileHandler, type LogFileError, type LogFileErrorCode } from "${name}";${use}`,
    );
    writeFileSync(
      join(folder, "use.cts"),
      `import { ConcurrentRotatingFileHandler, type LogFileError, type LogFileErrorCode } from "${name}";${use}`,
    );
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const flags = [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2022",
      "--types",
      "node",
      "use.mts",
      "use.cts",
    ];
    const { status, stdout } = spawnSync(process.execPath, [tsc, ...flags], { cwd: folder, encoding: "utf8" });
    assert.equal(stdout, "");
    assert.equal(status, 0);
  });

  test("without the native part, importing works and a handler says what to do", (t) => {
    const folder = installed(t, tarball, [], ["@koromix"]);
    const text = `import { ConcurrentRotatingFileHandler } from "${name}";
      try { new ConcurrentRotatingFileHandler("app.log"); } catch (error) { console.log(error.code, error.message); }`;
    const { stdout } = run(folder, "use.mjs", text);
    const missing = `@koromix/koffi-${process.platform}-${process.arch}`;
    assert.match(stdout, new RegExp(`^ERR_CLH_NATIVE Cannot load the file lock. The package ${missing} .* --omit=opt`));
  });
});

test("holds what it must and nothing else", () => {
  const listing = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n");
  const top = new Set(listing.map((path) => path.split("/")[1]));
  for (const file of ["dist", "package.json", "README.md", "LICENSE"]) assert.ok(top.has(file), file);
  for (const path of listing) assert.doesNotMatch(path, /\/(test|bench|build|src|\.ci)\//);
});

test("is small, and what is part of it comes with its licence", () => {
  const json = execFileSync("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"], { cwd: ROOT, stdio: "pipe" });
  const [{ unpackedSize }] = JSON.parse(`${json}`);
  assert.ok(unpackedSize <= 2.25 * 1024 ** 2, `${unpackedSize} bytes`);
  const notices = execFileSync("tar", ["-xzOf", tarball, "package/dist/THIRD_PARTY_NOTICES"], { encoding: "utf8" });
  for (const bundled of ["commander", "leven", "valibot"])
    assert.match(notices, new RegExp(`^${bundled} \\d.*, MIT\n\n[^]*?Copyright`, "m"));
});

test("links of its pages lead to what it holds; what contributors read is in the repository", () => {
  const files = new Set(execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).trim().split("\n"));
  const lost: string[] = [];
  for (const page of files) {
    if (!page.endsWith(".md")) continue;
    const text = execFileSync("tar", ["-xzOf", tarball, page], { encoding: "utf8" });
    for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      const path = posix.join(posix.dirname(page), target!).replace(/\/$/, "");
      if (!files.has(path) && ![...files].some((file) => file.startsWith(`${path}/`))) lost.push(path);
    }
  }
  const others = lost.filter(
    (path) => !/^package\/(test\/|changes\/|docs\/decisions\/|CONTRIBUTING|AGENTS)/.test(path),
  );
  assert.deepEqual([...new Set(others)].sort(), ["package/docs/bench/rivals.html", "package/docs/bench/rivals.svg"]);
});

test("a release without its place on the web is refused, and its place is written from where it runs", (t) => {
  const folder = temporaryDirectory(t);
  const program = join(ROOT, "scripts", "metadata.mjs");
  const run = (env: NodeJS.ProcessEnv, ...args: string[]) =>
    spawnSync(process.execPath, [program, ...args], { cwd: folder, encoding: "utf8", env: { ...process.env, ...env } });
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name }));
  assert.equal(run({ GITHUB_REF_TYPE: "branch" }, "--check").status, 0);
  assert.match(run({ GITHUB_REF_TYPE: "tag" }, "--check").stderr, /no repository, homepage, bugs, author/);
  assert.equal(run({ GITHUB_REPOSITORY: "" }).status, 1);
  assert.equal(run({ GITHUB_REPOSITORY: "some/body" }).status, 0);
  assert.equal(run({ GITHUB_REF_TYPE: "tag" }, "--check").status, 0);
  const { repository } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  assert.equal(repository.url, "git+https://github.com/some/body.git");
});

/** Packages as package-lock.json has them, by where they are installed. */
type Packages = Record<string, { hasInstallScript?: true; dependencies?: Record<string, string> }>;

/** What installing `wanted` installs: all that it depends on, and what those do. */
function closure(packages: Packages, wanted: string[], found = new Set<string>()): Set<string> {
  for (const name of wanted) {
    if (found.has(name)) continue;
    found.add(name);
    closure(packages, Object.keys(packages[`node_modules/${name}`]?.dependencies ?? {}), found);
  }
  return found;
}

test("few packages are installed: this one, the binary of one system, and an encoder with its only dependency", () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { packages: Packages };
  assert.deepEqual([...closure(packages, Object.keys(dependencies))], ["iconv-lite", "safer-buffer"]);
});

test("no package that it installs has an install script, for which package managers stop and ask", () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as { packages: Packages };
  const scripted = (wanted: string[]) =>
    [...closure(packages, wanted)].filter((name) => packages[`node_modules/${name}`]!.hasInstallScript);
  const binaries = Object.keys(optionalDependencies);
  assert.deepEqual(scripted([...Object.keys(dependencies), ...binaries]), []);
  assert.deepEqual(scripted(["koffi"]), ["koffi"]); // one that has is found out
});

test("each binary that is loaded is one of its dependencies, in the version whose files are named", () => {
  const source = readFileSync(join(ROOT, "src", "platform", "native.ts"), "utf8");
  const loaded = [...source.matchAll(/require\("(@koromix\/[^/"]+)\//g)].map(([, name]) => name!);
  assert.deepEqual(Object.keys(optionalDependencies).sort(), [...new Set(loaded)].sort());
  for (const version of Object.values(optionalDependencies)) assert.equal(version, devDependencies.koffi);
});

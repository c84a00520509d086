import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { pack, ROOT } from "../support/package.js";
import { temporaryDirectory } from "../support/temporary.js";

/* The short form of `npm run test:consumers`. Its tools come from npm, once. */

let tarball: string;
before((t) => {
  tarball = pack(t as TestContext);
});

function consumers(packed: string, ...names: string[]): string[] {
  const args = [join(ROOT, "scripts", "consumers.mjs"), "--tarball", packed, ...names];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  const verdicts = stdout.split("\n").map((line) => line.split(/\s+/, 2).join(" "));
  assert.equal(verdicts.length, names.length + 1, stderr);
  return verdicts.slice(0, -1);
}

test("package managers, test runners and compilers take it without a word", () => {
  const names = ["npm", "pnpm", "jest", "jest-esm", "vitest-vmThreads", "typescript-node10"];
  assert.deepEqual(
    consumers(tarball, ...names),
    names.map((name) => `passed ${name}`),
  );
});

test("a package that has an install script behind it, and no CommonJS, is found out", (t) => {
  const folder = temporaryDirectory(t);
  const home = join(folder, "package");
  execFileSync("tar", ["-xzf", tarball, "-C", folder]);
  const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  manifest.dependencies.koffi = manifest.devDependencies.koffi;
  for (const target of Object.values<{ require?: unknown }>(manifest.exports)) delete target.require;
  writeFileSync(join(home, "package.json"), JSON.stringify(manifest));
  mkdirSync(join(folder, "packed"));
  execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", join(folder, "packed")], {
    cwd: home,
    stdio: "ignore",
  });
  const broken = join(folder, "packed", `${manifest.name}-${manifest.version}.tgz`);
  assert.deepEqual(consumers(broken, "pnpm", "jest"), ["FAILED pnpm", "FAILED jest"]);
});

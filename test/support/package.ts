import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "./temporary.js";

/* The package as a user gets it: packed, and unpacked in a folder with what it depends on. */

export const ROOT: string = fileURLToPath(new URL("../../../", import.meta.url));
const { name, version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const npm = process.platform === "win32" ? "npm.cmd" : "npm";

/** Where packages come from: those that the project has, and those that only tests of the adapters need. */
const SOURCES = [join(ROOT, "node_modules"), join(ROOT, "test", "hosts", "node_modules")];

/** The path of the tarball. */
export function pack(t: TestContext): string {
  const directory = temporaryDirectory(t);
  execFileSync(npm, ["pack", "--ignore-scripts", "--pack-destination", directory], { cwd: ROOT, stdio: "ignore" });
  return join(directory, `${name}-${version}.tgz`);
}

/** A folder with the package in it, its dependencies but those in `without`, and `others` with theirs. */
export function installed(t: TestContext, tarball: string, others: string[] = [], without: string[] = []): string {
  const folder = temporaryDirectory(t);
  const home = join(folder, "node_modules", name);
  mkdirSync(home, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", home, "--strip-components=1"]);
  const { dependencies } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  const done = new Set(without);
  for (const dependency of [...Object.keys(dependencies), "@koromix", ...others]) add(folder, dependency, done);
  return folder;
}

/** Copies a host, as an installation would: it looks for other packages from where it is. The rest may be a link. */
function add(folder: string, dependency: string, done: Set<string>): void {
  if (done.has(dependency)) return;
  done.add(dependency);
  const source = SOURCES.map((directory) => join(directory, dependency)).find((path) => existsSync(path));
  if (source === undefined) return; // optional, and not for this system
  const target = join(folder, "node_modules", dependency);
  mkdirSync(join(target, ".."), { recursive: true });
  if (dependency.includes("koromix") || dependency === "typescript") symlinkSync(source, target);
  else cpSync(source, target, { recursive: true });
  if (!existsSync(join(source, "package.json"))) return; // a scope
  const { dependencies = {} } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  for (const next of Object.keys(dependencies)) {
    if (!existsSync(join(source, "node_modules", next))) add(folder, next, done);
  }
}

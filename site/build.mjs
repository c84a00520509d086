// Builds the site from docs/: npm run docs. With --serve, shows what was built.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { brokenLinks } from "./links.mjs";
import { HTML, makePages, PAGES } from "./pages.mjs";

const here = import.meta.dirname;
const root = resolve(here, "..");

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: here, stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) process.exit(status ?? 1);
}
const program = (path, args) => run(process.execPath, [join("node_modules", path), ...args]);

/** Installs the packages of the site where that has not been done, or not since their list has changed. */
function install() {
  const installed = join(here, "node_modules", ".package-lock.json");
  const isNewer =
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(here, "package-lock.json")).mtimeMs;
  if (!isNewer) run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
}

install();
if (process.argv.includes("--serve")) {
  if (!existsSync(HTML)) throw new Error("Nothing is built yet: run npm run docs");
} else {
  rmSync(HTML, { recursive: true, force: true });
  makePages(root);
  program("typedoc/bin/typedoc", ["--out", join(PAGES, "reference", "api")]);
  program("vitepress/bin/vitepress.js", ["build", "."]);
  const broken = brokenLinks(HTML, process.env.SITE_BASE ?? "/");
  if (broken.length > 0) {
    process.stderr.write(`Links that lead nowhere:\n  ${broken.join("\n  ")}\n`);
    process.exit(1);
  }
}
if (process.argv.includes("--serve")) program("vitepress/bin/vitepress.js", ["preview", "."]);

// Says what a person still has to do before a release, and what would be published: npm run release:check
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fragments } from "./changes.mjs";

const read = (path) => readFileSync(path, "utf8");
const manifest = JSON.parse(read("package.json"));
const { name, version } = manifest;
const open = [];
const ask = (isDone, what) => {
  if (!isDone) open.push(what);
};

const unnamed = ["author", "repository", "homepage", "bugs"].filter((key) => manifest[key] === undefined);
ask(
  unnamed.length === 0,
  `package.json has no ${unnamed.join(", ")}: the release workflow writes them; for a release by hand, GITHUB_REPOSITORY=owner/name node scripts/metadata.mjs`,
);
const left = fragments();
ask(left.length === 0, `changes/ has ${left.length} fragments: node scripts/changes.mjs`);
const heading = /^## .*/m.exec(read("CHANGELOG.md"))[0];
ask(heading.startsWith(`## ${version} `), `CHANGELOG.md begins with "${heading}", and package.json is ${version}`);
ask(/\d{4}-\d\d-\d\d/.test(heading), `CHANGELOG.md has no date in "${heading}"`);
ask(JSON.parse(read("package-lock.json")).version === version, `package-lock.json is not of ${version}`);

const wanted = `^${version}`;
const older = readdirSync("examples").filter((example) => {
  const path = join("examples", example, "package.json");
  const { dependencies } = JSON.parse(readIfAny(path));
  return dependencies?.[name] !== undefined && dependencies[name] !== wanted;
});
ask(older.length === 0, `examples that do not ask for ${wanted}: ${older.join(", ")}`);

/** What npm says about the tarball that a command would make. */
function tarball(...args) {
  const options = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], shell: process.platform === "win32" };
  const output = execFileSync("npm", [...args, "--dry-run", "--json"], options);
  // What the build prints comes first.
  return Object.values(JSON.parse(output.slice(output.search(/^[[{]/m))))[0];
}
const packed = tarball("pack");
const { files, size, unpackedSize } = packed;
process.stdout.write(`${packed.filename}: ${files.length} files, ${size} bytes, ${unpackedSize} unpacked\n`);
const published = tarball("publish", "--ignore-scripts", "--tag", "next");
ask(published.integrity === packed.integrity, "npm publish would not publish what npm pack packs");

for (const what of open) process.stdout.write(`to do: ${what}\n`);
process.exitCode = open.length === 0 ? 0 : 1;

function readIfAny(path) {
  try {
    return read(path);
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return "{}"; // programs without a package
    throw error;
  }
}

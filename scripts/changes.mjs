// Joins the fragments of changes/ into CHANGELOG.md, under the version of package.json, and deletes them: node scripts/changes.mjs
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = "changes";
const KINDS = ["Added", "Changed", "Fixed"];

/** The names of the fragments; one that says no kind is refused, since its change would be lost. */
export function fragments() {
  const names = readdirSync(FOLDER)
    .filter((name) => name !== "README.md")
    .sort();
  for (const name of names) {
    if (kindOf(name) === undefined)
      throw new Error(`Cannot join ${join(FOLDER, name)}: its name is to end in .added.md, .changed.md or .fixed.md`);
  }
  return names;
}

const kindOf = (name) => KINDS.find((kind) => name.endsWith(`.${kind.toLowerCase()}.md`));

/** The changelog with entries added, in its newest version if that is this one, else in a new one above. */
export function joined(changelog, version, entries) {
  const heading = `## ${version}`;
  const [top, ...versions] = changelog.split(/^(?=## )/m);
  if (!versions[0]?.startsWith(heading)) versions.unshift(`${heading} (unreleased)\n\n`);
  const [title, ...groups] = versions[0].trimEnd().split(/\n+(?=### )/);
  const texts = new Map(groups.map((group) => [/^### (\w+)/.exec(group)[1], group]));
  for (const [kind, text] of entries) {
    const item = `- ${text.trim().replaceAll("\n", "\n  ")}`;
    texts.set(kind, texts.has(kind) ? `${texts.get(kind)}\n${item}` : `### ${kind}\n\n${item}`);
  }
  const ordered = KINDS.filter((kind) => texts.has(kind)).map((kind) => texts.get(kind));
  return [top, [title, ...ordered].join("\n\n"), ...versions.slice(1).map((one) => `\n\n${one.trimEnd()}`), "\n"].join(
    "",
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  const names = fragments();
  const entries = names.map((name) => [kindOf(name), readFileSync(join(FOLDER, name), "utf8")]);
  if (entries.length > 0) writeFileSync("CHANGELOG.md", joined(readFileSync("CHANGELOG.md", "utf8"), version, entries));
  for (const name of names) rmSync(join(FOLDER, name));
}

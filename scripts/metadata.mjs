// Where the project is, in package.json: written at a release, from the one place that knows, since a copy or a fork is
// elsewhere. node scripts/metadata.mjs writes it; with --check, it fails where a release would go out without.
import { readFileSync, writeFileSync } from "node:fs";

const {
  GITHUB_REPOSITORY: repository,
  GITHUB_SERVER_URL: server = "https://github.com",
  GITHUB_REF_TYPE: type,
} = process.env;
const manifest = JSON.parse(readFileSync("package.json", "utf8"));

if (process.argv.includes("--check")) {
  const missing = ["repository", "homepage", "bugs", "author"].filter((name) => manifest[name] === undefined);
  if (type === "tag" && missing.length > 0) {
    process.stderr.write(
      `package.json has no ${missing.join(", ")}: run node scripts/metadata.mjs before the release\n`,
    );
    process.exitCode = 1;
  }
} else {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repository ?? "")) throw new Error("GITHUB_REPOSITORY is to be owner/name");
  const home = `${server}/${repository}`;
  const where = {
    author: { name: `The authors of ${manifest.name}`, url: `${home}/graphs/contributors` },
    homepage: `${home}#readme`,
    bugs: { url: `${home}/issues` },
    repository: { type: "git", url: `git+${home}.git` },
  };
  writeFileSync("package.json", `${JSON.stringify({ ...manifest, ...where }, undefined, 2)}\n`);
}

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ROOT } from "../support/package.js";
import { temporaryDirectory } from "../support/temporary.js";

/* What makes the site of docs/, without the packages that build it: `npm run test:site` opens the built one. */

const load = (name: string) => import(pathToFileURL(join(ROOT, "site", name)).href);

test("links to no page, or to no heading of it, are found", async (t) => {
  const { brokenLinks } = await load("links.mjs");
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, "how-to"));
  const links = [
    "./how-to/a#there",
    "/base/how-to/a",
    "#here",
    "https://elsewhere",
    "./how-to/a#gone",
    "/how-to/a",
    "./b",
    "#no",
  ];
  const anchors = links.map((link) => `<a class="x" href="${link}">x</a>`).join("");
  writeFileSync(join(folder, "index.html"), `<h1 id="here">x</h1>${anchors}<img src="./no.png">`);
  writeFileSync(join(folder, "how-to", "a.html"), `<h1 id="there">x</h1><a href="../">up</a>`);
  assert.deepEqual(brokenLinks(folder, "/base/"), [
    "index.html: ./how-to/a#gone",
    "index.html: /how-to/a",
    "index.html: ./b",
    "index.html: #no",
    "index.html: ./no.png",
  ]);
});

test("links leave the site only for what it does not have, and for nowhere while no repository is known", async () => {
  const { withLinks } = await load("pages.mjs");
  const text = "[a](../concepts/speed.md#start) [b](../README.md) [c](../../test/a.ts) [d](#e) [f](https://g)";
  const inside = "[a](../concepts/speed.md#start) [b](../index.md)";
  assert.equal(withLinks(text, "docs/how-to/x.md", undefined), `${inside} c [d](#e) [f](https://g)`);
  assert.equal(
    withLinks(text, "docs/how-to/x.md", "https://host/o/r"),
    `${inside} [c](https://host/o/r/blob/main/test/a.ts) [d](#e) [f](https://g)`,
  );
});

test("every page of docs/ is in the index, which is what the site is walked by", async () => {
  const { groupsOf } = await load("pages.mjs");
  const groups = groupsOf(readFileSync(join(ROOT, "docs", "README.md"), "utf8")) as {
    text: string;
    items: { link: string }[];
  }[];
  const kinds = groups.map(({ text }) => text.split(":")[0]);
  assert.deepEqual(kinds, ["Tutorial", "How-to", "Concepts", "Reference", "Decisions", "Project"]);
  const pages = (readdirSync(join(ROOT, "docs"), { recursive: true }) as string[])
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".md") && name !== "README.md")
    .map((name) => posix.join("/", name.replace(/\.md$/, "")));
  const listed = groups.flatMap(({ items }) => items.map(({ link }) => link));
  assert.deepEqual(
    pages.filter((page) => !listed.includes(page)),
    [],
  );
});

test("every host has a page with the same headings", () => {
  for (const host of ["pino", "winston", "log4js", "logtape", "streams"]) {
    const page = readFileSync(join(ROOT, "docs", "how-to", `${host}.md`), "utf8");
    const headings = [...page.matchAll(/^## (Moving from|.*)/gm)].map(([, heading]) => heading);
    assert.deepEqual(headings, ["Install", "Minimal set-up", "All options", "Moving from", "Limits"], host);
  }
});

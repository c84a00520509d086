import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { temporaryDirectory } from "../support/temporary.js";

/* The page and the picture that `npm run bench:rivals` has written. */

const folder = fileURLToPath(new URL("../../../docs/bench/", import.meta.url));
const PAGE = join(folder, "rivals.html");
const PICTURE = join(folder, "rivals.svg");
const { results } = JSON.parse(readFileSync(join(folder, "rivals.json"), "utf8")) as {
  results: { name: string; isOurs: boolean; processes: number; rate: number; lost: number }[];
};
const chromium = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

test("page and picture need nothing else", () => {
  for (const path of [PAGE, PICTURE]) {
    const text = readFileSync(path, "utf8").replaceAll("http://www.w3.org/2000/svg", "");
    assert.doesNotMatch(text, /https?:|\bsrc=|<script|<link|@import|url\((?!#)/);
  }
});

test("every result is on the page, and in ours nothing is lost", () => {
  const page = readFileSync(PAGE, "utf8");
  for (const { name, rate } of results) {
    assert.ok(page.includes(name), name);
    assert.ok(page.includes(`<td>${Math.round(rate).toLocaleString("en")}</td>`), `${name}: ${rate}`);
  }
  for (const { lost } of results.filter(({ isOurs }) => isOurs)) assert.equal(lost, 0);
});

test("the figures of the README and of the page of speed are those of that run", () => {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const lossOf = (lost: number) => (lost === 0 ? "none" : `${(100 * lost).toFixed(lost < 0.01 ? 2 : 1)} %`);
  const whole = (rate: number) => Math.round(rate).toLocaleString("en");
  const tableOf = (path: string, columns: RegExp) =>
    [...readFileSync(join(root, path), "utf8").matchAll(columns)].map(([, ...cells]) => cells.join());
  const at = (processes: number) =>
    new Map(results.filter((one) => one.processes === processes).map((one) => [one.name, one]));
  const [one, eight] = [at(1), at(8)];
  const readme = tableOf("README.md", /^\| \**([^|*]+?)\** +\| +(none|[\d.]+ %) \| +([\d,]+) \|/gm);
  assert.equal(readme.length, 11);
  for (const row of readme) {
    const { name, lost, rate } = eight.get(row.split(/,(?=none|[\d.]+ %)/)[0]!)!;
    assert.equal(row, [name, lossOf(lost), whole(rate)].join());
  }
  const speed = tableOf("docs/concepts/speed.md", /^\| ([^|]+?) +\| +([\d,]+) \| +([\d,]+) \| +(none|[\d.]+ %) \|$/gm);
  assert.equal(speed.length, 13);
  for (const row of speed) {
    const name = [...eight.keys()].find(
      (known) => row.startsWith(`${known},`) && /^[\d,]+,(none|[\d.]+ %)$/.test(row.slice(known.length + 1)),
    )!;
    assert.equal(
      row,
      [name, whole(one.get(name)!.rate), whole(eight.get(name)!.rate), lossOf(eight.get(name)!.lost)].join(),
    );
  }
});

for (const path of [PAGE, PICTURE]) {
  test(`a real browser shows ${path.replace(folder, "")}`, {
    skip: chromium === undefined && "chromium is not installed",
  }, (t) => {
    const directory = temporaryDirectory(t);
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", `--user-data-dir=${join(directory, "profile")}`];
    const open = (...more: string[]) =>
      spawnSync(chromium!, [...flags, ...more, pathToFileURL(path).href], { encoding: "utf8", timeout: 60_000 });
    const { status, stdout } = open("--dump-dom");
    assert.equal(status, 0);
    const svgs = readFileSync(path, "utf8").match(/<svg/g)!.length;
    assert.equal(stdout.match(/<svg/g)?.length, svgs);
    assert.doesNotMatch(stdout, /parsererror/);
    const image = join(directory, "page.png");
    assert.equal(open("--window-size=900,900", `--screenshot=${image}`).status, 0);
    // A blank page of that size has less than 5 kB.
    assert.ok(readFileSync(image).length > 20_000);
  });
}

import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Browser, CHROMIUM } from "./browser.js";

/* The built site in a real browser: `npm run test:site`. Its pictures are for somebody to look at. */

const root = fileURLToPath(new URL("../../../", import.meta.url));
const html = join(root, "site", "build", "html");
const pictures = join(root, "build", "site-pictures");
const WIDTHS = { phone: 390, tablet: 820, desk: 1440 };

/** The server does not say which port it has chosen by itself. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return port;
}

describe("the site", { skip: CHROMIUM === undefined && "chromium is not installed", timeout: 300_000 }, () => {
  const profile = mkdtempSync(join(tmpdir(), "clh-site-"));
  let server: ChildProcessByStdio<null, Readable, null> | undefined;
  let browser: Browser;
  let address: string;
  before(async () => {
    assert.ok(existsSync(html), "npm run docs builds it");
    mkdirSync(pictures, { recursive: true });
    const port = await freePort();
    const vitepress = join(root, "site", "node_modules", "vitepress", "bin", "vitepress.js");
    server = spawn(process.execPath, [vitepress, "preview", ".", "--port", `${port}`], {
      cwd: join(root, "site"),
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface({ input: server.stdout })) if (line.includes("served at")) break;
    address = `http://localhost:${port}`;
    browser = await Browser.start(profile);
  });
  after(async () => {
    await browser?.close();
    server?.kill();
    rmSync(profile, { recursive: true, force: true });
  });

  const pages = [
    "",
    "tutorial",
    "how-to/pino",
    "concepts/guarantees",
    "reference/options",
    "bench/rivals",
    "reference/api/modules",
  ];
  for (const [name, width] of Object.entries(WIDTHS)) {
    for (const colours of ["light", "dark"] as const) {
      test(`${name}, ${colours}: each page fits, and nothing fails`, async () => {
        await browser.look(width, colours);
        for (const page of pages) {
          await browser.open(`${address}/${page}`);
          assert.deepEqual(browser.problems, []);
          const isDark = await browser.ask<boolean>("document.documentElement.classList.contains('dark')");
          assert.equal(isDark, colours === "dark");
          const [wide, shown] = await browser.ask<number[]>("[document.documentElement.scrollWidth, innerWidth]");
          assert.ok(wide! <= shown!, `${page} is ${wide} wide`);
          const file = `${page.replaceAll("/", "-") || "index"}-${name}-${colours}.png`;
          writeFileSync(join(pictures, file), await browser.picture());
        }
      });
    }
  }

  test("the search finds an option", async () => {
    await browser.look(WIDTHS.desk, "light");
    await browser.open(address);
    await browser.until("document.querySelector('.DocSearch-Button') !== null");
    await browser.ask("document.querySelector('.DocSearch-Button').click()");
    await browser.until("document.activeElement?.matches('.search-input')");
    await browser.type("delayCompression");
    await browser.until("document.querySelectorAll('.VPLocalSearchBox .result').length > 0");
    const results = await browser.ask<string[]>(
      "[...document.querySelectorAll('.VPLocalSearchBox .result')].map((a) => a.href)",
    );
    assert.ok(
      results.some((link) => link.includes("/reference/options")),
      `${results}`,
    );
  });

  test("examples that a test runs have a button that copies, and others have none", async () => {
    await browser.open(`${address}/how-to/pino`);
    const [buttons, run] = await browser.ask<number[]>(
      "['div[class*=language-] > button.copy', 'div.language-js'].map((what) => document.querySelectorAll(what).length)",
    );
    assert.ok(run! > 0);
    assert.equal(buttons, run);
  });

  test("every page opens without a failure", async () => {
    const all = (readdirSync(html, { recursive: true }) as string[]).filter((file) => file.endsWith(".html"));
    for (const file of all)
      if (file !== "404.html") await browser.open(`${address}/${file.replace(/(index)?\.html$/, "")}`);
    assert.deepEqual(browser.problems, []);
  });
});

/* Links of built pages that lead to no page, or to no heading of it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

const decoded = (text) => decodeURIComponent(text.replaceAll("&amp;", "&"));

/** The broken links below a folder, each with its page. @param base under which path the site will stand */
export function brokenLinks(folder, base = "/") {
  const pages = readdirSync(folder, { recursive: true })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".html"));
  const texts = new Map(pages.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
  const ids = new Map(
    [...texts].map(([name, text]) => [
      name,
      new Set([...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => decoded(id))),
    ]),
  );
  const broken = [];
  for (const [name, text] of texts) {
    for (const [, link] of text.matchAll(/<(?:a|img|link|script)\b[^>]*?\s(?:href|src)="([^"]*)"/g)) {
      if (/^(?:[a-z]+:|\/\/)/i.test(link)) continue;
      const [path, anchor] = decoded(link).split("#");
      const file = fileOf(path, name, base, folder);
      const isThere = file !== undefined && (!anchor || !ids.has(file) || ids.get(file).has(anchor));
      if (!isThere) broken.push(`${name}: ${link}`);
    }
  }
  return broken;
}

/** Which file answers a link, as a static server finds it. */
function fileOf(path, from, base, folder) {
  if (path === "") return from;
  if (path.startsWith("/") && !path.startsWith(base)) return undefined;
  const wanted = path.startsWith("/") ? path.slice(base.length) : posix.join(posix.dirname(from), path);
  return [wanted, `${wanted}.html`, posix.join(wanted, "index.html")].find(
    (file) => /\.\w+$/.test(file) && existsSync(join(folder, file)),
  );
}

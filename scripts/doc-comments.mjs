// Fails, with their names, when things that users of the package can name have no doc comment: node scripts/doc-comments.mjs
// [source...]. Without sources, those that package.json exports.
import { readFileSync } from "node:fs";
import { resolve, sep } from "node:path";
import { API, SymbolFlags } from "typescript/unstable/sync";

const root = resolve(import.meta.dirname, "..");
const { exports } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8"));
const sources = process.argv.slice(2);
const entries =
  sources.length > 0
    ? sources
    : Object.values(exports).flatMap(({ import: entry }) =>
        entry === undefined ? [] : entry.types.replace(/^\.\/dist\/types\/(.*)\.d\.ts$/, "src/$1.ts"),
      );

const api = new API({ cwd: root });
const project = api.updateSnapshot({ openProjects: [resolve(root, "tsconfig.json")] }).getProjects()[0];
const { checker, program } = project;

const isOurs = ({ declarations }) =>
  declarations.some(({ path }) => path.startsWith(root.toLowerCase() + sep) || path.startsWith(root + sep)) &&
  declarations.every(({ path }) => !path.includes("/node_modules/"));
const textOf = ({ declarations }) => declarations[0]?.resolve(project)?.getText() ?? "";

/** Where a doc comment is missing, from a symbol on: the names that lead there. */
function* undocumented(symbol, name, seen) {
  if (seen.has(symbol.id) || !isOurs(symbol)) return;
  seen.add(symbol.id);
  const tags = symbol.getJsDocTags(checker);
  // One that overrides another is described where that is.
  const isDescribed = tags.length > 0 || /^(?:override|private)\b/.test(textOf(symbol));
  if (tags.some((tag) => tag.name === "internal")) return;
  if (!isDescribed && symbol.getDocumentationComment(checker) === "") yield name;
  if (symbol.flags & (SymbolFlags.Function | SymbolFlags.Method)) return;
  for (const member of membersOf(symbol)) {
    if (/^__/.test(member.escapedName) || member.name === "prototype" || member.name.includes("#")) continue;
    if (member.flags & SymbolFlags.TypeParameter) continue;
    yield* undocumented(member, `${name}.${member.name}`, seen);
  }
}

function membersOf(symbol) {
  if (symbol.flags & (SymbolFlags.Class | SymbolFlags.Interface))
    return [...symbol.getMembers().values(), ...symbol.getExports().values()];
  const type =
    symbol.flags & SymbolFlags.TypeAlias ? checker.getDeclaredTypeOfSymbol(symbol) : checker.getTypeOfSymbol(symbol);
  // Of a property, the members of a type that has no name of its own.
  const parts = type?.getTypes?.() ?? [type];
  return parts.flatMap((part) => {
    const own = part?.getSymbol?.();
    return own?.escapedName === "__type" ? [...own.getMembers().values()] : [];
  });
}

const missing = new Set();
for (const entry of entries) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(resolve(root, entry)));
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = exported.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    for (const name of undocumented(symbol, exported.name, new Set())) missing.add(`${entry}: ${name}`);
  }
}
api.close();
if (missing.size > 0) {
  process.stderr.write(`There is no doc comment of\n  ${[...missing].join("\n  ")}\n`);
  process.exitCode = 1;
}

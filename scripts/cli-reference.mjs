// Puts the help of the command into docs/reference/cli.md, whose prose stays: npm run build && node scripts/cli-reference.mjs
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const PAGE = "docs/reference/cli.md";
const BLOCK = /^(```text\n\$ clh )(.*)( --help|--help)\n[\s\S]*?^```$/gm;

const help = (args) => execFileSync(process.execPath, ["dist/cli.js", ...args, "--help"], { encoding: "utf8" });

const page = readFileSync(PAGE, "utf8").replace(BLOCK, (_, start, command, end) => {
  return `${start}${command}${end}\n${help(command.split(" ").filter(Boolean))}\`\`\``;
});
writeFileSync(PAGE, page);

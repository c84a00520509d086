import { Argument, Command, type Option } from "commander";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

/*
 * Scripts that complete commands, flags and their values, and file names for all the rest. They are made from the flags
 * themselves and run nothing; programs that ask the command at each key press cannot complete a file name.
 */

/** @param commands all others */
export function completionCommand(commands: () => readonly Command[]): Command {
  return new Command("completion")
    .description("Print a script that completes this command in a shell.")
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .addHelpText(
      "after",
      "\nExamples:\n  clh completion bash >> ~/.bashrc\n  clh completion zsh > ~/.zfunc/_clh" +
        "\n  clh completion fish > ~/.config/fish/completions/clh.fish",
    )
    .action((shell: Shell) => void process.stdout.write(SCRIPTS[shell](commands())));
}

const SCRIPTS: Record<Shell, (commands: readonly Command[]) => string> = { bash, zsh, fish };

function bash(commands: readonly Command[]): string {
  const flags = (command: Command) => command.options.map(({ long }) => long).join(" ");
  // A flag takes other values in another command, so each is named with its own: "read --format".
  const values = commands.flatMap((command) =>
    command.options.flatMap((option) =>
      choices(option).map(([flag, of]) => [`${command.name()} ${flag}`, of] as const),
    ),
  );
  return `_clh() {
  local cur=\${COMP_WORDS[COMP_CWORD]} words=
  if [[ $COMP_CWORD -eq 1 ]]; then
    words=${quote(commands.map((command) => command.name()).join(" "))}
  else
    case \${COMP_WORDS[COMP_CWORD-1]} in
${commands
  .filter((command) => argumentsOf(command).length > 0)
  .map((command) => `      ${command.name()}) words=${quote(argumentsOf(command).join(" "))} ;;`)
  .join("\n")}
    esac
    case "\${COMP_WORDS[1]} \${COMP_WORDS[COMP_CWORD-1]}" in
${values.map(([what, of]) => `      ${quote(what)}) words=${quote(of.join(" "))} ;;`).join("\n")}
    esac
    if [[ -z $words && $cur == -* ]]; then
      case \${COMP_WORDS[1]} in
${commands.map((command) => `        ${command.name()}) words=${quote(flags(command))} ;;`).join("\n")}
      esac
    fi
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _clh clh
`;
}

function zsh(commands: readonly Command[]): string {
  const plain = (text: string) => text.replace(/[[\]:\\]/g, "\\$&");
  const flag = (option: Option) => {
    const value = option.required || option.optional ? `:value:${wordsOr(option.argChoices, "_files")}` : "";
    return quote(`${option.long}[${plain(option.description)}]${value}`);
  };
  return `#compdef clh
_clh() {
  local -a commands=(
${commands.map((command) => `    ${quote(`${command.name()}:${plain(command.description())}`)}`).join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
${commands.map((command) => `    ${command.name()}) _arguments ${[...command.options.map(flag), quote(`*:value:${wordsOr(argumentsOf(command), "_files")}`)].join(" ")} ;;`).join("\n")}
  esac
}
if [[ $funcstack[1] == _clh ]]; then _clh "$@"; else compdef _clh clh; fi
`;
}

function fish(commands: readonly Command[]): string {
  return commands
    .flatMap((command) => [
      `complete -c clh -f -n __fish_use_subcommand -a ${command.name()} -d ${quote(command.description())}`,
      ...(argumentsOf(command).length === 0
        ? []
        : [
            `complete -c clh -n '__fish_seen_subcommand_from ${command.name()}' -f -a ${quote(argumentsOf(command).join(" "))}`,
          ]),
      ...command.options.map((option) => {
        const value = option.required || option.optional ? " -r" : "";
        const of = option.argChoices === undefined ? "" : ` -f -a ${quote(option.argChoices.join(" "))}`;
        const name = option.long!.slice("--".length);
        return `complete -c clh -n '__fish_seen_subcommand_from ${command.name()}' -l ${name}${value}${of} -d ${quote(option.description)}`;
      }),
    ])
    .map((line) => `${line}\n`)
    .join("");
}

function choices({ long, argChoices }: Option): [string, string[]][] {
  return argChoices === undefined ? [] : [[long!, argChoices]];
}

/** What the argument of a command may be; none where it is a file. */
function argumentsOf({ registeredArguments }: Command): readonly string[] {
  return registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
}

/** As zsh has it. */
function wordsOr(words: readonly string[] | undefined, otherwise: string): string {
  return words === undefined || words.length === 0 ? otherwise : `(${words.join(" ")})`;
}

/** As one word of a shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

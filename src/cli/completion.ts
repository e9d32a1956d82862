import type { Command, Completion } from './command.ts';
import { COMMON } from './help-text.ts';
import { quoted } from './quoted.ts';

/** One command as a completion script needs it. */
export interface CommandShape {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionShape[];
  /** What completes the arguments; none are completed behind the last. */
  readonly words: readonly Completion[];
}

interface OptionShape {
  /** `--type` */
  readonly flag: string;
  /** What completes its value; `undefined` for an option without one. */
  readonly value: Completion | undefined;
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Reads off a command what its completion needs. */
export function shapeOf(name: string, command: Command): CommandShape {
  const known: Command['options'] = { ...command.options, ...COMMON };
  const options = Object.entries(known).map(([option, { type }]) => ({
    flag: `--${option}`,
    value: type === 'string' ? (command.values?.[option] ?? []) : undefined,
  }));
  return { name, summary: command.summary, options, words: command.words ?? [] };
}

/** The completion script of a shell; it asks the program itself for the names of keys alone. */
export function completionScript(shell: Shell, commands: readonly CommandShape[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return zsh(commands);
    case 'fish':
      return fish(commands);
  }
}

/** First words, and for those with a second word the second words. */
function groups(commands: readonly CommandShape[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { name } of commands) {
    const [first = '', second] = name.split(' ');
    const seconds = found.get(first) ?? [];
    if (second !== undefined) seconds.push(second);
    found.set(first, seconds);
  }
  return found;
}

/** A call of the helper that offers words, in bash and zsh. */
function offer(what: Completion | undefined): string {
  if (what === 'file') return '_strongroom_files';
  if (what === 'key') return '_strongroom_keys';
  return what === undefined || what.length === 0
    ? ':'
    : `_strongroom_words ${what.map(quoted).join(' ')}`;
}

/** The part that bash and zsh share: which helper offers words for a command at a place. */
function cases(commands: readonly CommandShape[]): string {
  const lines: string[] = [];
  for (const { name, options, words } of commands) {
    for (const { flag, value } of options) {
      if (value !== undefined) lines.push(`    ${quoted(`${name}|${flag}`)}) ${offer(value)} ;;`);
    }
    const flags = options.map(({ flag }) => flag);
    lines.push(`    ${quoted(`${name}|-`)}) ${offer(flags)} ;;`);
    words.forEach((word, index) => {
      lines.push(`    ${quoted(`${name}|${index + 1}`)}) ${offer(word)} ;;`);
    });
  }
  return lines.join('\n');
}

/** Which options take a value: the word behind them is no argument. */
function valued(commands: readonly CommandShape[]): string {
  const flags = commands.flatMap(({ options }) =>
    options.filter(({ value }) => value !== undefined).map(({ flag }) => flag),
  );
  return [...new Set(flags)].join('|');
}

function secondWords(commands: readonly CommandShape[]): string {
  return [...groups(commands)]
    .filter(([, seconds]) => seconds.length > 0)
    .map(([first, seconds]) => `    ${first}) ${offer(seconds)} ;;`)
    .join('\n');
}

function groupNames(commands: readonly CommandShape[]): string {
  return [...groups(commands)]
    .filter(([, seconds]) => seconds.length > 0)
    .map(([first]) => first)
    .join('|');
}

/**
 * The body that is the same in both shells. `$words[1]` is the program in zsh and `words` are made
 * to match in bash; `at` is the index of the word that is completed.
 */
function body(commands: readonly CommandShape[]): string {
  return `  local at=$1 name index argument=0 behind previous
  shift
  local program=$1 current=\${@:$((at + 1)):1}
  if (( at == 1 )); then ${offer([...groups(commands).keys()])}; return; fi
  name=$2 behind=2
  case $2 in
    ${groupNames(commands)})
    if (( at == 2 )); then
    case $2 in
${secondWords(commands)}
    esac
    return
    fi
    name="$2 $3" behind=3 ;;
  esac
  previous=\${@:$at:1}
  for (( index = behind; index < at; index++ )); do
    case \${@:$index:1} in ${valued(commands)}) continue ;; esac
    case \${@:$((index + 1)):1} in -*) ;; *) (( argument = argument + 1 )) ;; esac
  done
  case $previous in ${valued(commands)}) argument=$previous ;; *)
    case $current in -*) argument=- ;; *) (( argument = argument + 1 )) ;; esac ;;
  esac
  case "$name|$argument" in
${cases(commands)}
  esac`;
}

function bash(commands: readonly CommandShape[]): string {
  return `# Completion of strongroom for bash: eval "$(strongroom completion bash)"
_strongroom_words() {
  local word
  for word in "$@"; do
    if [[ $word == "$current"* ]]; then COMPREPLY+=("$word"); fi
  done
}
# Names are quoted and never evaluated, whatever stands in them.
_strongroom_keys() {
  local word
  while IFS= read -r word; do
    if [[ -n $word && $word == "$current"* ]]; then COMPREPLY+=("$(printf %q "$word")"); fi
  done < <("$program" key list --names 2>/dev/null)
}
_strongroom_files() {
  local word
  compopt -o filenames 2>/dev/null || :
  while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
}
_strongroom_offer() {
${body(commands)}
}
_strongroom() {
  COMPREPLY=()
  _strongroom_offer "$COMP_CWORD" "\${COMP_WORDS[@]}"
}
complete -F _strongroom strongroom
`;
}

function zsh(commands: readonly CommandShape[]): string {
  return `#compdef strongroom
# Completion of strongroom for zsh: eval "$(strongroom completion zsh)"
_strongroom_words() { compadd -- "$@" }
_strongroom_keys() {
  local -a names
  names=("\${(@f)$("$program" key list --names 2>/dev/null)}")
  compadd -- "\${(@)names:#}"
}
_strongroom_files() { _files }
_strongroom_offer() {
${body(commands)}
}
_strongroom() { _strongroom_offer $(( CURRENT - 1 )) "\${words[@]}" }
if (( $+functions[compdef] )); then compdef _strongroom strongroom; fi
`;
}

function fish(commands: readonly CommandShape[]): string {
  const lines = [
    '# Completion of strongroom for fish: strongroom completion fish | source',
    'function __strongroom_keys',
    '    set -l program (commandline -opc)[1]',
    '    $program key list --names 2>/dev/null',
    'end',
    'function __strongroom_is',
    '    set -l tokens (commandline -opc)',
    '    test (count $tokens) -gt (count $argv); or return 1',
    '    for index in (seq (count $argv))',
    '        test $tokens[(math $index + 1)] = $argv[$index]; or return 1',
    '    end',
    'end',
    '# Whether these words and nothing but options stand there.',
    'function __strongroom_at',
    '    __strongroom_is $argv; or return 1',
    '    set -l words',
    '    set -l skip no',
    '    for token in (commandline -opc)[2..]',
    '        if test $skip = yes',
    '            set skip no',
    `        else if contains -- $token ${valued(commands).replaceAll('|', ' ')}`,
    '            set skip yes',
    "        else if not string match -q -- '-*' $token",
    '            set -a words $token',
    '        end',
    '    end',
    '    test $skip = no -a (count $words) -eq (count $argv)',
    'end',
    'complete -c strongroom -f',
  ];
  const add = (condition: string, rest: string): void => {
    lines.push(`complete -c strongroom -n ${quoted(condition)} ${rest}`);
  };
  for (const [first, seconds] of groups(commands)) {
    const one = commands.find(({ name }) => name === first);
    const summary = one === undefined ? seconds.join(', ') : one.summary;
    add('__strongroom_at', `-a ${first} -d ${quoted(summary)}`);
  }
  for (const { name, summary, options, words } of commands) {
    const [first = '', second] = name.split(' ');
    if (second !== undefined) {
      add(`__strongroom_at ${first}`, `-a ${second} -d ${quoted(summary)}`);
    }
    for (const { flag, value } of options) {
      const given =
        value === undefined
          ? ''
          : value === 'file'
            ? ' -r -F'
            : ` -x -a ${value === 'key' ? "'(__strongroom_keys)'" : quoted(value.join(' '))}`;
      add(`__strongroom_is ${name}`, `-l ${flag.slice(2)}${given}`);
    }
    const [word] = words;
    if (word === 'key') add(`__strongroom_at ${name}`, "-a '(__strongroom_keys)'");
    else if (word === 'file') add(`__strongroom_at ${name}`, '-F');
    else if (word !== undefined) add(`__strongroom_at ${name}`, `-a ${quoted(word.join(' '))}`);
  }
  return `${lines.join('\n')}\n`;
}

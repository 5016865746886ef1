/**
 * What could follow the words typed so far, as the scripts of `completion` read it: `VALUE\tDESCRIPTION` per line, then
 * `:0` (files may follow) or `:4` (they may not). Our own walk over the commands, because names come from a server.
 */
import type { Argument, Command, Option } from 'commander';
import type { Session } from '../session.ts';
import { type Candidate, namesOf } from './names.ts';

const FILES = 0;
const NO_FILES = 4;
const FORMATS = ['table', 'wide', 'json', 'yaml', 'name'];

/** What stands at the place of the last word. */
type Place =
  | { readonly kind: 'commands'; readonly command: Command }
  | { readonly kind: 'options'; readonly options: readonly Option[] }
  | {
      readonly kind: 'value';
      readonly of: Option | Argument;
      readonly partial: string;
      readonly before: string;
    };

function optionsFor(command: Command): Option[] {
  const parent = command.parent === null ? [] : optionsFor(command.parent);
  return [...command.options, ...parent];
}

function optionOf(command: Command, word: string): Option | undefined {
  const [flag] = word.split('=');
  return optionsFor(command).find(({ short, long }) => flag === short || flag === long);
}

const takesValue = (option: Option | undefined): option is Option =>
  Boolean(option?.required || option?.optional);

interface Walked {
  readonly command: Command;
  /** How many arguments of the command are there already. */
  readonly position: number;
  /** The option whose value comes next. */
  readonly pending: Option | undefined;
}

function walk(from: Walked, word: string): Walked {
  const { command, position, pending } = from;
  if (pending !== undefined) return { command, position, pending: undefined };
  if (word.startsWith('-')) {
    const option = optionOf(command, word);
    return { command, position, pending: takesValue(option) && !word.includes('=') ? option : undefined };
  }
  const next = command.commands.find((one) => one.name() === word);
  return next === undefined ? { ...from, position: position + 1 } : { ...from, command: next };
}

function placeOf(program: Command, words: readonly string[]): Place | undefined {
  const last = words.at(-1) ?? '';
  const start: Walked = { command: program, position: 0, pending: undefined };
  const { command, position, pending } = words.slice(0, -1).reduce(walk, start);
  if (pending !== undefined) return { kind: 'value', of: pending, partial: last, before: '' };
  const at = last.indexOf('=') + 1;
  if (last.startsWith('--') && at > 0) {
    const of = optionOf(command, last);
    return takesValue(of)
      ? { kind: 'value', of, partial: last.slice(at), before: last.slice(0, at) }
      : undefined;
  }
  if (last.startsWith('-')) return { kind: 'options', options: optionsFor(command) };
  if (command.commands.length > 0) return { kind: 'commands', command };
  const given = command.registeredArguments;
  const of = given[position] ?? (given.at(-1)?.variadic ? given.at(-1) : undefined);
  return of === undefined ? undefined : { kind: 'value', of, partial: last, before: '' };
}

/** What a value is: the name in its brackets, `group` for `--group <group>`. */
function nounOf(of: Option | Argument): string {
  return 'flags' in of ? (/[<[]([^>\]]+)[>\]]/.exec(of.flags)?.[1] ?? '') : of.name();
}

async function candidates(
  session: Session,
  place: Place,
): Promise<{ found: Candidate[]; directive: number }> {
  if (place.kind === 'commands') {
    const shown = place.command.createHelp().visibleCommands(place.command);
    const found = shown.map((command) => ({ value: command.name(), description: command.description() }));
    return { found, directive: NO_FILES };
  }
  if (place.kind === 'options') {
    const found = place.options
      .filter(({ hidden, long }) => !hidden && long)
      .map(({ long, description }) => ({ value: long ?? '', description }));
    return { found, directive: NO_FILES };
  }
  const { of, partial, before } = place;
  const noun = nounOf(of);
  if (noun === 'file' || noun === 'dir') return { found: [], directive: FILES };
  const fixed =
    noun === 'format' ? FORMATS : noun === 'shell' ? ['bash', 'zsh', 'fish', 'powershell'] : of.argChoices;
  const found =
    fixed?.map((value) => ({ value, description: '' })) ?? (await namesOf(session, noun, partial));
  return { found: found.map((one) => ({ ...one, value: `${before}${one.value}` })), directive: NO_FILES };
}

export async function complete(
  session: Session,
  words: readonly string[],
  _: unknown,
  { parent: program }: Command,
): Promise<void> {
  const last = words.at(-1) ?? '';
  const place = program === null ? undefined : placeOf(program, words);
  const { found, directive } =
    place === undefined ? { found: [], directive: NO_FILES } : await candidates(session, place);
  const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');
  const lines = found
    .filter(({ value }) => value.startsWith(last))
    .map(({ value, description }) => `${value}\t${oneLine(description)}\n`);
  session.out(`${lines.join('')}:${directive}\n`);
}

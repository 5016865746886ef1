/** `check FILE`: what is wrong with a text, without a server. */
import { checkText, type Problem } from '@flaghoist/fleet';
import { ExitCode } from '../exit-code.ts';
import { toJson } from '../output/print.ts';
import { oneLine, plural } from '../output/text.ts';
import type { Session } from '../session.ts';
import { readText } from './configuration.ts';

const FORMATS = ['text', 'json', 'junit', 'github'] as const;

const xml = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** GitHub's workflow commands end properties at `,` and `:`. */
const property = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll(',', '%2C').replaceAll(':', '%3A');

type Writer = (problems: readonly Problem[], file: string) => string;

const WRITERS: Readonly<Record<(typeof FORMATS)[number], Writer>> = {
  text: (problems) =>
    problems
      .map(
        ({ file, line, column, rule, message }) =>
          `${file}:${line}:${column}: ${rule}: ${oneLine(message)}\n`,
      )
      .join(''),
  json: (problems) => toJson({ findings: problems.map((problem) => ({ ...problem, severity: 'error' })) }),
  junit: (problems, file) => {
    const failures = problems.map(
      ({ line, column, rule, message }) =>
        `    <failure type="${xml(rule)}" message="${xml(oneLine(message))}">${xml(`${file}:${line}:${column}`)}</failure>\n`,
    );
    const tests = `<testsuite name="flaghoist check" tests="1" failures="${problems.length === 0 ? 0 : 1}">`;
    return `<?xml version="1.0" encoding="UTF-8"?>\n${tests}\n  <testcase name="${xml(file)}">\n${failures.join('')}  </testcase>\n</testsuite>\n`;
  },
  github: (problems) =>
    problems
      .map(
        ({ file, line, column, rule, message }) =>
          `::error file=${property(file)},line=${line},col=${column},title=${property(rule)}::${oneLine(message).replaceAll('%', '%25')}\n`,
      )
      .join(''),
};

export async function check(session: Session, file: string): Promise<number> {
  const format = session.oneOf(FORMATS);
  const body = await readText(session, file);
  const shown = file === '-' ? 'stdin' : file;
  const problems = checkText({ '': { body, contentType: 'text/yaml' } }).map((problem) => ({
    ...problem,
    file: shown,
  }));
  session.out(WRITERS[format](problems, shown));
  if (format === 'text')
    session.note(
      problems.length === 0 ? `${shown}: nothing wrong\n` : `${plural(problems.length, 'problem')}\n`,
    );
  return problems.length === 0 ? ExitCode.ok : ExitCode.negative;
}

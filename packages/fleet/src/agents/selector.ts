/** Label selectors in the Kubernetes grammar: `a=b,c!=d,e in (x,y),f notin (z),g,!h`. */
import { FleetError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Labels } from './agent.ts';

/** What a label must be: one of `values`, or there with any value when that is null. Negated: not that. */
interface Requirement {
  readonly key: string;
  readonly values: ReadonlySet<string> | null;
  readonly isNegated: boolean;
}

/** A parsed selector: its text and the requirements that must all hold. The empty selector matches everything. */
export interface Selector {
  readonly text: string;
  readonly requirements: readonly Requirement[];
}

const KEY = /^(?<key>[A-Za-z0-9_][A-Za-z0-9_./-]*)$/;
const VALUE = /^[^\s,()=!][^,()=!]*$|^$/;
const FORMS = [
  /^(?<key>\S+)\s+(?<operator>in|notin)\s*\((?<values>[^()]*)\)$/,
  /^(?<key>[^=!\s]+)\s*(?<operator>==|=|!=)\s*(?<values>.*)$/,
  /^(?<operator>!)\s*(?<key>.*)$/,
  KEY,
];
const NEGATIONS = new Set(['!', '!=', 'notin']);
/** Commas outside parentheses. */
const SEPARATOR = /,(?![^()]*\))/;

function refuse(text: string, part: string, hint: string): never {
  throw new FleetError('invalid-selector', `selector ${JSON.stringify(text)}: ${JSON.stringify(part)} ${hint}`);
}

function requirement(text: string, part: string): Requirement {
  const form = FORMS.map((candidate) => candidate.exec(part)).find((match) => match !== null);
  if (form === undefined)
    refuse(text, part, 'is none of key=value, key!=value, key in (a,b), key notin (a,b), key, !key');
  const { key = '', operator = '', values } = form.groups ?? {};
  if (!KEY.test(key)) refuse(text, part, 'has a key that is not a label name');
  const list = values?.split(',').map((value) => value.trim());
  if (list?.some((value) => !VALUE.test(value)))
    refuse(text, part, 'has a value that begins with a blank or holds one of , ( ) = !');
  return { key, values: list === undefined ? null : new Set(list), isNegated: NEGATIONS.has(operator) };
}

/** Parses a selector of at most `LIMITS.selectorLength` characters, which the contract sees to. @throws FleetError `invalid-selector` naming the part that is wrong and what is expected. */
export function parseSelector(text: string): Selector {
  if (text.trim() === '') return { text: '', requirements: [] };
  const requirements = text.split(SEPARATOR).map((part) => requirement(text, part.trim()));
  if (requirements.length > LIMITS.selectorRequirements) {
    refuse(text, 'the whole', `has more than ${LIMITS.selectorRequirements} requirements`);
  }
  return { text, requirements };
}

/** As in Kubernetes, `!=` and `notin` also match agents that lack the label. */
export function matches(selector: Selector, labels: Labels): boolean {
  return selector.requirements.every(({ key, values, isNegated }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    const holds = value !== undefined && (values === null || values.has(value));
    return holds !== isNegated;
  });
}

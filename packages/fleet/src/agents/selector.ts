/** Label selectors in the Kubernetes grammar: `a=b,c!=d,e in (x,y),f notin (z),g,!h`. */
import { FleetError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { Labels } from './agent.ts';

type Requirement =
  | { readonly key: string; readonly operator: 'in' | 'notin'; readonly values: ReadonlySet<string> }
  | { readonly key: string; readonly operator: 'exists' | 'missing' };

/** A parsed selector: its text and the requirements that must all hold. The empty selector matches everything. */
export interface Selector {
  readonly text: string;
  readonly requirements: readonly Requirement[];
}

const KEY = /^[A-Za-z0-9_][A-Za-z0-9_./-]*$/;
const VALUE = /^[^\s,()=!][^,()=!]*$|^$/;
const SET = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;
const EQUALITY = /^([^=!\s]+)\s*(==|=|!=)\s*(.*)$/;

function refuse(text: string, part: string, hint: string): never {
  throw new FleetError('invalid-selector', `selector ${JSON.stringify(text)}: ${JSON.stringify(part)} ${hint}`);
}

/** Splits at commas that stand outside parentheses. */
function parts(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    else if (char === ',' && depth === 0) {
      found.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  found.push(text.slice(start).trim());
  return found;
}

function requirement(text: string, part: string): Requirement {
  const checkedKey = (key: string): string =>
    KEY.test(key) ? key : refuse(text, part, 'has a key that is not a label name');
  const checkedValue = (value: string): string =>
    VALUE.test(value) ? value : refuse(text, part, 'has a value that begins with a blank or holds one of , ( ) = !');

  const set = SET.exec(part);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => checkedValue(value.trim())));
    return { key: checkedKey(key), operator: operator === 'in' ? 'in' : 'notin', values };
  }
  const equality = EQUALITY.exec(part);
  if (equality !== null) {
    const [, key = '', operator, value = ''] = equality;
    return {
      key: checkedKey(key),
      operator: operator === '!=' ? 'notin' : 'in',
      values: new Set([checkedValue(value.trim())]),
    };
  }
  if (part.startsWith('!')) return { key: checkedKey(part.slice(1).trim()), operator: 'missing' };
  if (KEY.test(part)) return { key: part, operator: 'exists' };
  return refuse(text, part, 'is none of key=value, key!=value, key in (a,b), key notin (a,b), key, !key');
}

/** Parses a selector. @throws FleetError `invalid-selector` naming the part that is wrong and what is expected. */
export function parseSelector(text: string): Selector {
  if (text.length > LIMITS.selectorLength) {
    refuse(text.slice(0, 40), 'the whole', `is longer than ${LIMITS.selectorLength} characters`);
  }
  if (text.trim() === '') return { text: '', requirements: [] };
  const requirements = parts(text).map((part) => requirement(text, part));
  if (requirements.length > LIMITS.selectorRequirements) {
    refuse(text, 'the whole', `has more than ${LIMITS.selectorRequirements} requirements`);
  }
  return { text, requirements };
}

/** As in Kubernetes, `!=` and `notin` also match agents that lack the label. */
export function matches(selector: Selector, labels: Labels): boolean {
  return selector.requirements.every((needed) => {
    const value = Object.hasOwn(labels, needed.key) ? labels[needed.key] : undefined;
    switch (needed.operator) {
      case 'exists':
        return value !== undefined;
      case 'missing':
        return value === undefined;
      case 'in':
        return value !== undefined && needed.values.has(value);
      case 'notin':
        return value === undefined || !needed.values.has(value);
    }
  });
}

import { parseDocument } from 'yaml';
import { isMap, PARSER_WORDS } from './distribution.ts';

/**
 * Parse one config body as the Supervisor v0.149 does: its mapping (empty for an empty body), or the error of the
 * Supervisor's parser.
 */
export function parseGoYaml(body: Uint8Array) {
  const text = new TextDecoder().decode(body);
  const document = parseDocument(text, { logLevel: 'silent', uniqueKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const line = problem.linePos?.[0].line ?? 1;
    if (problem.code === 'DUPLICATE_KEY')
      return { error: `yaml: unmarshal errors:\n  line ${line}: mapping key already defined` };
    return { error: `yaml: line ${line}: ${PARSER_WORDS[problem.code] ?? 'did not find expected node content'}` };
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch {
    return { error: 'yaml: document contains excessive aliasing' };
  }
  if (isMap(value)) return { value };
  const tag = Array.isArray(value) ? '!!seq' : `!!${typeof value === 'string' ? 'str' : 'int'} \`${String(value)}\``;
  return { error: `yaml: unmarshal errors:\n  line 1: cannot unmarshal ${tag} into map[string]interface {}` };
}

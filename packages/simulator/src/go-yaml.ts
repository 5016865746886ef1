import { parseDocument, type YAMLError } from 'yaml';

/** What a body holds: its mapping (empty for an empty body), or the error of the Supervisor's parser. */
type Parsed =
  | { readonly value: Record<string, unknown>; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: string };

/** The words of the Go parser for the errors of ours; the line numbers can differ by one. */
const WORDS: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'did not find expected alphabetic or numeric character',
  BAD_INDENT: 'did not find expected key',
  BLOCK_AS_IMPLICIT_KEY: 'mapping values are not allowed in this context',
  BLOCK_IN_FLOW: 'did not find expected node content',
  MISSING_CHAR: "did not find expected ',' or ']'",
  MULTILINE_IMPLICIT_KEY: "could not find expected ':'",
  TAB_AS_INDENT: 'found character that cannot start any token',
  UNEXPECTED_TOKEN: 'did not find expected key',
};

/** Parse one config body as the Supervisor v0.149 does, with its error texts. */
export function parseGoYaml(body: Uint8Array): Parsed {
  const text = new TextDecoder().decode(body);
  const document = parseDocument(text, { logLevel: 'silent', uniqueKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const line = problem.linePos?.[0].line ?? 1;
    if (problem.code === 'DUPLICATE_KEY')
      return { error: `yaml: unmarshal errors:\n  line ${line}: mapping key already defined` };
    return { error: `yaml: line ${line}: ${WORDS[problem.code] ?? 'did not find expected node content'}` };
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

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

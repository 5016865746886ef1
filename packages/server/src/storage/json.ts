/** The JSON of a column. Own keys such as `__proto__` survive both ways (R18). */
export function json(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}

/** @throws SyntaxError on a damaged column. */
export function fromJson<T>(text: string): T {
  return JSON.parse(text) as T;
}

/** Values of the API as people read them. `-o json` and `-o yaml` give them as they are. */
import { ago, revisionText } from './text.ts';

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const HASH = /^[0-9a-f]{64}$/;

/** What there is not is `-`; times become how long ago; hashes are short; a revision is `edge@7`. */
export function words(value: unknown, now: number): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.map((one) => words(one, now)).join(', ') || '-';
  if (typeof value === 'object') return fieldsInWords({ ...value }, now);
  const text = String(value);
  if (TIME.test(text)) return ago(text, now);
  return HASH.test(text) ? text.slice(0, 12) : text;
}

/** `edge@7 author=ada`, `host.name=a role=edge` */
function fieldsInWords(fields: Readonly<Record<string, unknown>>, now: number): string {
  const { configuration, revision, hash, ...others } = fields;
  const isRevision = typeof configuration === 'string' && typeof revision === 'number';
  const found = Object.entries(isRevision ? others : fields)
    .map(([name, value]) => [name, words(value, now)] as const)
    .filter(([, text]) => text !== '-')
    .map(([name, text]) => `${name}=${text}`);
  return [...(isRevision ? [revisionText({ configuration, revision })] : []), ...found].join(' ') || '-';
}

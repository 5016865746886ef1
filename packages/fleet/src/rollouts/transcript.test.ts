/**
 * Rollouts as they are read: what happens and what is asked stands behind `>`, and below it what was decided, as the real
 * engine decides it now. `npx vitest run --project fleet transcript.test.ts -u` writes the decisions anew; read what changes.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { transcriptOf } from '../../test/transcripts/script.ts';

const FOLDER = `${import.meta.dirname}/transcripts`;
const NAMES = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));
const INDEX = readFileSync(`${FOLDER}/README.md`, 'utf8');

describe.each(NAMES)('%s', (name) => {
  const file = `${FOLDER}/${name}`;
  const written = readFileSync(file, 'utf8');

  test('is what the engine decides', async () => {
    await expect(transcriptOf(written)).toMatchFileSnapshot(file);
  });

  test('has a title and the rule that it shows, and stands in the index', () => {
    const [, title = '', why = ''] = /^# (.+)\n#\n((?:# .+\n)+)\n>/.exec(written) ?? [];
    expect(why).toMatch(/\b(?:A\.\d+|I\d+)\b/);
    expect(INDEX).toContain(`| [${name}](${name}) | ${title} |`);
  });
});

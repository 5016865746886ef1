import type { AgentConfig } from '@flaghoist/api';

/** Texts as they are; several of them each under a comment with its name. */
export function filesText(files: AgentConfig['files']): string {
  return files
    .map(({ name, body, bytes }) => {
      const text = body ?? `# not kept: ${bytes} bytes\n`;
      const heading = files.length === 1 ? '' : `# --- ${JSON.stringify(name)}\n`;
      return `${heading}${text}${text.endsWith('\n') || text === '' ? '' : '\n'}`;
    })
    .join('');
}

import { createClient } from '@flaghoist/api';
import own from '../../package.json' with { type: 'json' };
import { printOne } from '../output/print.ts';
import { renderFacts } from '../output/table.ts';
import type { Session } from '../session.ts';

const SERVER_MS = 1_000;

/** Also tells of the server when there is one; that there is none is no error. */
export async function version(session: Session): Promise<void> {
  const address = await session.address();
  const server = await createClient({ ...address, timeout: SERVER_MS })
    .getVersion()
    .catch(() => null);
  const client = { version: own.version, node: process.versions.node };
  await printOne(
    session,
    { client, server: server && { ...server, url: address.baseUrl } },
    {
      name: `flaghoist/${own.version}`,
      text: () =>
        renderFacts([
          ['flaghoist', own.version],
          ['node', client.node],
          [
            'server',
            server === null ? `none at ${address.baseUrl}` : `${server.version} at ${address.baseUrl}`,
          ],
        ]),
    },
  );
}

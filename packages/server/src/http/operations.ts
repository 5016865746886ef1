import { createServer, type Server } from 'node:http';
import type { ControlPlane } from '../control-plane.ts';

/** Whether the server takes requests; false as soon as it begins to stop. */
export interface Readiness {
  ready: boolean;
}

/** The operations port: `/livez`, `/readyz`, `/version`. By itself, so that it can stay unexposed. */
export function createOperationsServer(plane: ControlPlane, readiness: Readiness): Server {
  const answers: Readonly<Record<string, () => { status: number; body: string }>> = {
    '/livez': () => ({ status: 200, body: 'ok\n' }),
    '/readyz': () => (readiness.ready ? { status: 200, body: 'ok\n' } : { status: 503, body: 'not ready\n' }),
    '/version': () => ({ status: 200, body: `${JSON.stringify({ version: plane.version })}\n` }),
  };
  return createServer({ headersTimeout: 10_000, requestTimeout: 30_000 }, (request, response) => {
    const answer = answers[request.url?.split('?')[0] ?? '']?.() ?? { status: 404, body: 'not found\n' };
    response.writeHead(answer.status, { 'content-type': 'text/plain; charset=utf-8' }).end(answer.body);
  });
}

import { createServer, type Server } from 'node:http';

/** The operations port: `/livez`, `/readyz`, `/version`. By itself, so that it can stay unexposed. */
export function createOperationsServer(version: string, isReady: () => boolean): Server {
  const answers: Readonly<Record<string, () => { status: number; body: string }>> = {
    '/livez': () => ({ status: 200, body: 'ok\n' }),
    '/readyz': () => (isReady() ? { status: 200, body: 'ok\n' } : { status: 503, body: 'not ready\n' }),
    '/version': () => ({ status: 200, body: `${JSON.stringify({ version })}\n` }),
  };
  return createServer({ headersTimeout: 10_000, requestTimeout: 30_000 }, (request, response) => {
    const answer = answers[request.url?.split('?')[0] ?? '']?.() ?? { status: 404, body: 'not found\n' };
    response.writeHead(answer.status, { 'content-type': 'text/plain; charset=utf-8' }).end(answer.body);
  });
}

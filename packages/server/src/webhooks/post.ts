/** One attempt to deliver: an HTTP request that goes where it may, follows nothing and reads next to nothing (X16). */
import { lookup as resolve } from 'node:dns';
import { once } from 'node:events';
import { type IncomingMessage, request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { SERVER_LIMITS } from '../limits.ts';
import type { Reach } from './address-guard.ts';

export interface Answer {
  /** HTTP status; null when no answer came. */
  readonly status: number | null;
  /** Of the attempt. */
  readonly millis: number;
  /** Why it was not taken, without anything that the URL or the receiver says; empty when it was. */
  readonly error: string;
}

/** Ports that a public receiver may have: those of HTTPS, and those that no system service has. */
const isPort = (port: number): boolean => port === 443 || port >= 1_024;

/** Why it is not connected to that address; undefined when it may be. */
function refusal({ protocol, port }: URL, address: string, reach: Reach): string | undefined {
  if (reach === 'opened') return undefined;
  if (reach === 'refused')
    return `${address} is not an address of the public internet: the server's --webhook-allow opens networks of your own`;
  if (protocol !== 'https:') return 'http:// goes only to networks that --webhook-allow opens: use https://';
  return isPort(Number(port || 443)) ? undefined : `port ${port} is refused: use 443 or one above 1023`;
}

/** Resolves a name and gives only what may be connected to: the connection goes to the very addresses that were looked at. */
function guarded(url: URL, reachOf: (address: string) => Reach): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '', 0);
      const [first] = addresses;
      const why = addresses.map(({ address }) => refusal(url, address, reachOf(address))).find(Boolean);
      if (why !== undefined || first === undefined) return callback(new Error(why ?? 'the name has no address'), '', 0);
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family);
    });
  };
}

/** Takes what the receiver answers, as far as it may be long: only its status counts. */
async function drain(response: IncomingMessage): Promise<void> {
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).length;
    if (size > SERVER_LIMITS.webhookAnswer) break;
  }
}

export async function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  reachOf: (address: string) => Reach,
): Promise<Answer> {
  const since = performance.now();
  const answered = (status: number | null, error: string): Answer => ({
    status,
    millis: Math.round(performance.now() - since),
    error: error.slice(0, SERVER_LIMITS.webhookError),
  });
  const literal = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const why = isIP(literal) === 0 ? undefined : refusal(url, literal, reachOf(literal));
  if (why !== undefined) return answered(null, why);
  const signal = AbortSignal.timeout(SERVER_LIMITS.webhookPatience);
  try {
    const request = (url.protocol === 'https:' ? secure : plain)(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      lookup: guarded(url, reachOf),
      agent: false,
      signal,
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const { statusCode = 0 } = response;
    await drain(response).catch(() => undefined);
    const isTaken = statusCode >= 200 && statusCode < 300;
    return answered(statusCode, isTaken ? '' : `it answered ${statusCode}${statusCode === 410 ? ' (gone)' : ''}`);
  } catch (error) {
    const seconds = SERVER_LIMITS.webhookPatience / 1_000;
    return answered(null, signal.aborted ? `no answer within ${seconds} s` : wordsOf(error));
  }
}

/** Happy Eyeballs gives all its errors together, without words of its own. */
function wordsOf(error: unknown): string {
  const { message, errors } = error as Error & { readonly errors?: readonly Error[] };
  return message || (errors ?? []).map((each) => each.message).join('; ') || 'the connection failed';
}

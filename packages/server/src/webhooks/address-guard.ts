/** Which addresses webhooks may connect to (X16): the public internet, and what the operator of the server opens. */
import { BlockList, isIP, isIPv6 } from 'node:net';
import { SettingError } from '../addresses.ts';

/** Not of the public internet: this host, private and shared networks, link-local with its metadata services, and the like. */
const SPECIAL_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;

/** Of the global unicast addresses those that are for special purposes: protocols (Teredo among them), examples, 6to4. */
const SPECIAL_V6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

function listOf(networks: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of networks) list.addSubnet(address, prefix, familyOf(address));
  return list;
}

const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');

const SPECIAL = listOf([...SPECIAL_V4, ...SPECIAL_V6]);
const GLOBAL_V6 = listOf([['2000::', 3]]);
/** IPv6 addresses that stand for an IPv4 address in their last 32 bits: mapped, and translated (NAT64). */
const EMBEDDING = listOf([
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
]);

/** The IPv4 address in the last 32 bits. */
function embedded(address: string): string {
  const groups = (URL.parse(`http://[${address}]`)?.hostname ?? '').slice(1, -1).split(':');
  const [high, low] = groups.slice(-2).map((group) => Number.parseInt(group || '0', 16));
  return [high, low].flatMap((pair = 0) => [pair >> 8, pair & 255]).join('.');
}

export type Reach = 'public' | 'opened' | 'refused';

/**
 * Tells of an address as a resolver or a URL gives it whether it may be connected to. `opened` are those of the networks
 * `address/prefix` or addresses that the operator gave. @throws SettingError for what is neither.
 */
export function addressGuard(open: readonly string[]): (address: string) => Reach {
  const opened = listOf(open.map(networkOf));

  const reachOf = (address: string): Reach => {
    // Also what is no address, or one with a zone, which is never public.
    if (isIP(address) === 0 || address.includes('%')) return 'refused';
    const family = familyOf(address);
    if (opened.check(address, family)) return 'opened';
    if (family === 'ipv4') return SPECIAL.check(address, family) ? 'refused' : 'public';
    if (EMBEDDING.check(address, family)) return reachOf(embedded(address));
    return GLOBAL_V6.check(address, family) && !SPECIAL.check(address, family) ? 'public' : 'refused';
  };
  return reachOf;
}

function networkOf(text: string): readonly [string, number] {
  const [, address = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text.trim()) ?? [];
  const bits = isIPv6(address) ? 128 : 32;
  const length = prefix === undefined ? bits : Number(prefix);
  if (isIP(address) !== 0 && !address.includes('%') && length <= bits) return [address, length];
  throw new SettingError(
    `--webhook-allow ${JSON.stringify(text)} is no network: write addresses such as 10.0.0.0/8,192.168.1.7`,
  );
}

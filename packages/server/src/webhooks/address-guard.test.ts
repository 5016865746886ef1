import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressGuard } from './address-guard.ts';

const reachOf = addressGuard([]);
const inURL = (host: string): string => (URL.parse(`http://${host}/`)?.hostname ?? '').replace(/^\[(.*)\]$/, '$1');

/** What RFC 6890 and its like set apart, by the numbers alone: another way than a list of networks. */
function isPublic(address: number): boolean {
  const [a = 0, b = 0, c = 0] = [24, 16, 8].map((shift) => (address >>> shift) & 255);
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 100 && b >= 64 && b <= 127) return false;
  if (a === 169 && b === 254) return false;
  if (a === 172 && b >= 16 && b <= 31) return false;
  if (a === 192 && b === 168) return false;
  if (a === 198 && (b === 18 || b === 19)) return false;
  return !['192.0.0', '192.0.2', '192.88.99', '198.51.100', '203.0.113'].includes(`${a}.${b}.${c}`);
}

const bytesOf = (address: number) => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255);
const dotted = (address: number): string => bytesOf(address).join('.');
/** Half of them near the edge of something special. */
const anyV4 = fc.oneof(
  fc.nat(0xff_ff_ff_ff),
  fc
    .tuple(
      fc.constantFrom(
        '0.0.0.0',
        '10.0.0.0',
        '100.64.0.0',
        '127.0.0.1',
        '169.254.169.254',
        '172.16.0.0',
        '172.31.255.255',
      ),
      fc.integer({ min: -2, max: 2 }),
    )
    .map(([text, by]) => (text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0) + by) >>> 0),
);

test('every IPv4 address, however it is written, is judged by its number', () => {
  fc.assert(
    fc.property(anyV4, (address) => {
      const expected = isPublic(address) ? 'public' : 'refused';
      const [a = 0, b = 0, c = 0, d = 0] = bytesOf(address);
      const octal = (byte: number) => `0${byte.toString(8)}`;
      const forms = [dotted(address), `${address}`, `0x${address.toString(16)}`, `0${address.toString(8)}`];
      forms.push([a, b, c, d].map(octal).join('.'), `${a}.${b}.${c * 256 + d}`, `${a}.${address & 0xff_ff_ff}`);
      for (const form of forms) expect([form, reachOf(inURL(form))]).toEqual([form, expected]);
      const hex = (high: number, low: number) => (high * 256 + low).toString(16);
      for (const six of [
        `::ffff:${dotted(address)}`,
        `::ffff:${hex(a, b)}:${hex(c, d)}`,
        `64:ff9b::${dotted(address)}`,
        `64:ff9b::${hex(a, b)}:${hex(c, d)}`,
        `0:0:0:0:0:ffff:${hex(a, b)}:${hex(c, d)}`,
      ]) {
        expect([six, reachOf(six)]).toEqual([six, expected]);
        expect([six, reachOf(inURL(`[${six}]`))]).toEqual([six, expected]);
      }
      // Old ways to stand for an IPv4 address, which nobody needs.
      for (const six of [
        `::${dotted(address)}`,
        `2002:${hex(a, b)}:${hex(c, d)}::1`,
        `64:ff9b:1::${hex(a, b)}:${hex(c, d)}`,
      ])
        expect([six, reachOf(six)]).toEqual([six, 'refused']);
    }),
  );
});

test('of IPv6 only global unicast addresses are public', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(0xff_ff), { minLength: 8, maxLength: 8 }), (groups) => {
      const address = groups.map((group) => group.toString(16)).join(':');
      const [first = 0, second = 0] = groups;
      const isGlobal = first >= 0x2000 && first <= 0x3fff && first !== 0x2002 && (first !== 0x3fff || second > 0xfff);
      const isApart = first === 0x2001 && (second < 0x200 || second === 0xdb8);
      expect([address, reachOf(address)]).toEqual([address, isGlobal && !isApart ? 'public' : 'refused']);
    }),
  );
});

test.each([
  '::',
  '::1',
  '[::1]',
  'fe80::1',
  'fe80::1%eth0',
  '2606:4700::1%eth0',
  'fc00::1',
  'fd00:ec2::254',
  'fec0::1',
  'ff02::1',
  '2001::1',
  '2001:db8::1',
  '3fff::1',
  '100::1',
  '255.255.255.255',
  'localhost',
  '',
  'example.com',
  '1.2.3',
  '1.1.1.1 ',
])('%s is refused', (address) => expect(reachOf(address)).toBe('refused'));

test.each(['1.1.1.1', '2606:4700:4700::1111', '64:ff9b::101:101', '::ffff:1.1.1.1'])('%s is public', (address) =>
  expect(reachOf(address)).toBe('public'),
);

describe('what the operator opens', () => {
  const opened = addressGuard(['10.1.0.0/16', ' 127.0.0.1', 'fd00::/8', '::1']);

  test.each(['10.1.2.3', '::ffff:10.1.2.3', '127.0.0.1', '::ffff:127.0.0.1', '64:ff9b::127.0.0.1', 'fd12::1', '::1'])(
    '%s is open',
    (address) => expect(opened(address)).toBe('opened'),
  );

  test.each(['10.2.0.0', '127.0.0.2', '::ffff:127.0.0.2', 'fc00::1', '::'])('%s is not', (address) =>
    expect(opened(address)).toBe('refused'),
  );

  test('public stays public', () => expect(opened('1.1.1.1')).toBe('public'));

  test.each(['', 'private', '10.0.0.0/33', '10.0.0.0/', '::/129', '10.0.0/8', 'fe80::1%lo/64', 'example.com'])(
    '%j is no network',
    (text) => expect(() => addressGuard([text])).toThrow(/--webhook-allow .* is no network/),
  );
});

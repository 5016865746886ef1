/** A host and port to listen on; port 0 takes any free one. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Why a setting cannot be used, in words for the person who gave it. */
export class SettingError extends Error {
  override readonly name = 'SettingError';
}

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]*)):(\d{1,5})$/;

/** Reads `host:port`, `[::1]:port` or `:port`. @throws SettingError. */
export function parseAddress(text: string): Address {
  const [, six, name, port = ''] = ADDRESS.exec(text) ?? [];
  if (port === '' || Number(port) > 65_535) {
    throw new SettingError(`${JSON.stringify(text)} is not an address: write host:port, such as 127.0.0.1:4320`);
  }
  return { host: six ?? (name === undefined || name === '' ? '0.0.0.0' : name), port: Number(port) };
}

export const formatAddress = ({ host, port }: Address): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

export const isLoopback = ({ host }: Pick<Address, 'host'>): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

/**
 * For takeover.test.ts: a server that shares the data directory given, with leases of that many milliseconds. Ends with 1
 * and its log when its store fails, as the program does.
 */
import { startServer } from '../../src/index.ts';

const [data = '', leaseTime = ''] = process.argv.slice(2);
const anyPort = { host: '127.0.0.1', port: 0 };
const { addresses } = await startServer({
  data,
  shared: true,
  leaseTime: Number(leaseTime),
  opamp: anyPort,
  api: anyPort,
  ops: anyPort,
  version: '0.0.0',
  onFatal: () => process.exit(1),
});
process.stdout.write(`${JSON.stringify(addresses)}\n`);

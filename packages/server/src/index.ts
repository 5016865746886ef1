/** The control plane as a program part: start it, use its API, close it. */
export { type Address, parseAddress, SettingError } from './addresses.ts';
export { type RunningServer, type ServerOptions, startServer } from './server.ts';
export { StoreError } from './storage/store.ts';

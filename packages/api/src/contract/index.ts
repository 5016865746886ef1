/** The contract with its schemas: for the server, for tests and for the generator of `openapi.json`. */
export { type Contract, contract, type Operation } from './operations.ts';
export { type RawRequest, readRequest } from './requests.ts';

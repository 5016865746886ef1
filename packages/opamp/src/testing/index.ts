/** Agents for tests and simulations, without sockets. */
export * from './memory-agent.ts';

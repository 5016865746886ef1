// Before the tests: the real binaries, and our own server's command.
import { accessSync, constants } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { build } from '../build.ts';
import { buildClients } from './clients.ts';
import { FLAGHOIST } from './server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    supervisor: string;
    collector: string;
  }
}

export default async function setUp(project: TestProject): Promise<void> {
  accessSync(FLAGHOIST, constants.X_OK);
  const { supervisor, collector } = await build();
  project.provide('supervisor', supervisor);
  project.provide('collector', collector);
  // Here, where nothing waits for it with a time limit.
  buildClients();
}

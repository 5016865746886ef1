// Which way dependencies go (ARCHITECTURE.md). Tests may import anything.
import { readFileSync } from 'node:fs';

const TESTS = '\\.test\\.ts$|^packages/[^/]+/test/';

const MAY_IMPORT = {
  opamp: [],
  fleet: [],
  api: ['fleet'],
  cli: ['api', 'fleet'],
  server: ['api', 'fleet', 'opamp'],
  simulator: ['opamp'],
  flaghoist: ['api', 'cli', 'server', 'simulator'],
};

const betweenPackages = Object.entries(MAY_IMPORT).map(([name, others]) => ({
  name: `${name}-imports-${others.join('-') || 'no-other-package'}`,
  severity: 'error',
  from: { path: `^packages/${name}/`, pathNot: TESTS },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...others].join('|')})/` },
}));

/** The files that a package exports: what `@flaghoist/opamp/node` and the like stand for. */
const ENTRIES = Object.keys(MAY_IMPORT).flatMap((name) => {
  const { exports } = JSON.parse(readFileSync(`packages/${name}/package.json`, 'utf8'));
  return Object.values(exports).map((file) => `packages/${name}/${file.replace('./', '').replaceAll('.', '\\.')}`);
});

export default {
  forbidden: [
    ...betweenPackages,
    {
      name: 'known-packages',
      comment: 'A new package gets a line in MAY_IMPORT.',
      severity: 'error',
      from: { path: '^packages/', pathNot: `^packages/(${Object.keys(MAY_IMPORT).join('|')})/` },
      to: {},
    },
    {
      name: 'through-the-entry',
      comment: 'A package is imported by its name, not by the path of a file in it.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/', pathNot: TESTS },
      to: {
        path: '^packages/[^/]+/src/',
        pathNot: ['^packages/$1/', `^(${ENTRIES.join('|')})$`],
      },
    },
    {
      name: 'no-cycles',
      comment: 'The parts of a simulated world know each other, by type.',
      severity: 'error',
      from: { pathNot: '^packages/server/test/engine/' },
      to: { circular: true },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-tests-in-sources',
      severity: 'error',
      from: { pathNot: TESTS },
      to: { path: TESTS },
    },
    {
      name: 'nouns',
      comment: 'Name a file or folder after what it holds.',
      severity: 'error',
      from: {},
      to: { path: '^packages/.*/(commons?|shared|utils?|utilities|helpers?|managers?|misc)(/|\\.ts$)' },
    },
    {
      name: 'only-the-gateway-speaks-opamp',
      severity: 'error',
      from: { path: '^packages/server/src/', pathNot: [TESTS, '^packages/server/src/gateway/'] },
      to: { path: '^packages/opamp/' },
    },
    {
      name: 'opamp-root-without-builtins',
      comment: 'The root entry runs anywhere; what needs Node is in ./node.',
      severity: 'error',
      from: { path: '^packages/opamp/src/', pathNot: [TESTS, '^packages/opamp/src/(node|testing)/'] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'opamp-root-without-transports',
      severity: 'error',
      from: { path: '^packages/opamp/src/', pathNot: [TESTS, '^packages/opamp/src/(node|testing)/'] },
      to: { path: '^packages/opamp/src/(node|testing)/|node_modules/ws/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/generated/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.d.ts'],
    },
  },
};

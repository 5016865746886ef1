// Before the tests of each file. Under CI properties are tried with the same values each time, so that what lands does not
// hang on luck; elsewhere with new ones, and a failure prints its seed.
import fc from 'fast-check';

if (process.env['CI'] !== undefined) fc.configureGlobal({ seed: 1 });

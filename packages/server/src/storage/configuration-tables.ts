/** Configurations, their revisions, and groups. */

import type { DatabaseSync } from 'node:sqlite';
import type { ConfigFiles, Configuration, Group, Revision } from '@flaghoist/fleet';
import type { Writers } from './change.ts';
import { fromJson, json } from './json.ts';

type Kinds = 'configuration' | 'configuration-deleted' | 'revision' | 'group' | 'group-deleted';

export function configurationWriters(db: DatabaseSync): Writers<Kinds> {
  const configuration = db.prepare(`
    INSERT INTO configurations (name, rest) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET rest = excluded.rest`);
  const configurationDeleted = db.prepare('DELETE FROM configurations WHERE name = ?');
  const revisionsDeleted = db.prepare('DELETE FROM revisions WHERE configuration = ?');
  const revision = db.prepare('INSERT INTO revisions (configuration, number, hash, rest) VALUES (?, ?, ?, ?)');
  const files = db.prepare('INSERT INTO config_files (hash, files) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING');
  const group = db.prepare(`
    INSERT INTO agent_groups (name, rest) VALUES (?, ?)
    ON CONFLICT (name) DO UPDATE SET rest = excluded.rest`);
  const groupDeleted = db.prepare('DELETE FROM agent_groups WHERE name = ?');

  return {
    configuration: ({ row: { name, ...rest } }) => {
      configuration.run(name, json(rest));
    },
    'configuration-deleted': ({ name }) => {
      configurationDeleted.run(name);
      revisionsDeleted.run(name);
    },
    revision: (change) => {
      const { configuration, number, hash, ...rest } = change.row;
      revision.run(configuration, number, hash, json(rest));
      files.run(hash, json(change.files));
    },
    group: ({ row: { name, ...rest } }) => {
      group.run(name, json(rest));
    },
    'group-deleted': ({ name }) => {
      groupDeleted.run(name);
    },
  };
}

type Named = { name: string; rest: string };

export function configurationReaders(db: DatabaseSync) {
  const configurations = db.prepare('SELECT name, rest FROM configurations ORDER BY name');
  const revisions = db.prepare(
    'SELECT configuration, number, hash, rest FROM revisions ORDER BY configuration, number',
  );
  const groups = db.prepare('SELECT name, rest FROM agent_groups ORDER BY name');
  const files = db.prepare('SELECT files FROM config_files WHERE hash = ?');

  return {
    configurations: () =>
      (configurations.all() as Named[]).map(
        ({ name, rest }): Configuration => ({ name, ...fromJson<Omit<Configuration, 'name'>>(rest) }),
      ),
    revisions: () =>
      (revisions.all() as { configuration: string; number: number; hash: string; rest: string }[]).map(
        ({ rest, ...keys }): Revision => ({ ...keys, ...fromJson<Omit<Revision, keyof typeof keys>>(rest) }),
      ),
    groups: () =>
      (groups.all() as Named[]).map(({ name, rest }): Group => ({ name, ...fromJson<Omit<Group, 'name'>>(rest) })),
    files: (hash: string): ConfigFiles | null => {
      const found = files.get(hash) as { files: string } | undefined;
      return found === undefined ? null : fromJson(found.files);
    },
  };
}

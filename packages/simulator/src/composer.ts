import { type Composition, compose, type Site } from './composition.ts';
import { limits } from './limits.ts';

/** A remote configuration as it was received. */
export interface RemoteConfig {
  readonly hash: Uint8Array;
  /** Lowercase hex; empty when the server sent no hash. */
  readonly hashText: string;
  /** By entry name. */
  readonly bodies: ReadonlyMap<string, Uint8Array>;
}

type Composed = Composition | { readonly error: string };

/** Composes for all agents of one group: each distinct configuration once, however many agents get it. */
export class Composer {
  private readonly site: Site;
  private readonly byHash = new Map<string, { readonly remote: RemoteConfig; readonly composed: Composed }>();
  private readonly byText = new Map<string, Composition>();
  private local: Composed | undefined;

  constructor(site: Site) {
    this.site = site;
  }

  get build(): Site['build'] {
    return this.site.build;
  }

  /** The same configuration as an earlier agent received it, so that they share its bytes. */
  shared(remote: RemoteConfig): RemoteConfig {
    const known = this.byHash.get(remote.hashText)?.remote;
    return known !== undefined && sameBodies(known, remote) ? known : remote;
  }

  compose(remote: RemoteConfig | undefined): Composed {
    if (remote === undefined) {
      this.local ??= this.interned(compose(this.site, undefined));
      return this.local;
    }
    const known = this.byHash.get(remote.hashText);
    if (known !== undefined && sameBodies(known.remote, remote)) return known.composed;
    const composed = this.interned(compose(this.site, remote.bodies));
    keep(this.byHash, remote.hashText, { remote, composed });
    return composed;
  }

  /** Equal merged texts are the same configuration to the Supervisor, whatever their hashes. */
  private interned(composed: Composed): Composed {
    if ('error' in composed) return composed;
    const key = `${composed.empty} ${composed.own.text}`;
    const same = this.byText.get(key);
    if (same === undefined) keep(this.byText, key, composed);
    return same ?? composed;
  }
}

function sameBodies(one: RemoteConfig, other: RemoteConfig): boolean {
  if (one === other) return true;
  if (one.bodies.size !== other.bodies.size) return false;
  for (const [name, body] of one.bodies) {
    const twin = other.bodies.get(name);
    if (twin === undefined || Buffer.compare(body, twin) !== 0) return false;
  }
  return true;
}

function keep<K, V>(map: Map<K, V>, key: K, value: V): void {
  if (map.size >= limits.compositions) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
  map.set(key, value);
}

import { connections } from './connections.ts';
import { containers } from './containers.ts';
import { flux } from './flux.ts';
import { network } from './network.ts';
import { outside } from './outside.ts';
import { references } from './references.ts';
import type { Rule } from './rule.ts';
import { security } from './security.ts';
import { standby } from './standby.ts';
import { storage } from './storage.ts';
import { storageClasses } from './storageClasses.ts';
import { workers } from './workers.ts';

export { fileRules } from './files.ts';

export const rules: readonly Rule[] = [
  ...references,
  ...network,
  ...connections,
  ...outside,
  ...containers,
  ...storage,
  ...storageClasses,
  ...workers,
  ...standby,
  ...security,
  ...flux,
];

import { Kustomization } from '@kubernetes-models/flux-cd/kustomize.toolkit.fluxcd.io/v1/Kustomization';
import { all } from '../overlay.ts';
import type { Rule } from './rule.ts';

/** Parts of which something may rightly never be ready: a worker without a GPU, the storage node without the mount. */
const NEVER_ALL_READY = /\/(workers|dfs)$/;
const START_OF_PMS_S = 600;

export const flux: readonly Rule[] = [
  {
    name: 'flux-waits-for-what-gets-ready',
    why: 'A Pending worker, or the storage node in reserve, would keep everything from being applied.',
    *check({ objects }) {
      for (const { metadata, spec } of all(objects, Kustomization.is)) {
        const path = spec?.path ?? '';
        if (spec?.wait && NEVER_ALL_READY.test(path))
          yield `Kustomization ${metadata?.name} waits for ${path}`;
        if (spec?.wait && seconds(spec.timeout ?? '') <= START_OF_PMS_S) {
          yield `Kustomization ${metadata?.name} waits ${spec.timeout}; PMS's first start may take 10 min`;
        }
      }
    },
  },
  {
    name: 'flux-depends-on-what-is-there',
    why: 'A Kustomization that depends on one that does not exist is never applied.',
    *check({ objects }) {
      const there = all(objects, Kustomization.is);
      for (const { metadata, spec } of there) {
        for (const { name } of spec?.dependsOn ?? []) {
          const found = there.some((one) => one.metadata?.name === name);
          if (!found) yield `Kustomization ${metadata?.name} depends on ${name}, which is not there`;
        }
      }
    },
  },
];

function seconds(duration: string): number {
  const [, hours = 0, minutes = 0, rest = 0] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(duration) ?? [];
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);
}

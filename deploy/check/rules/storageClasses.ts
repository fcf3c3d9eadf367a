import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { StorageClass } from 'kubernetes-models/storage.k8s.io/v1/StorageClass';
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import { all, idOf, type Overlay } from '../overlay.ts';
import { STORAGE_CLASSES_FROM_OUTSIDE } from './cluster.ts';
import type { Rule } from './rule.ts';

const LONGHORN = 'driver.longhorn.io';
/** https://longhorn.io/docs/1.14.0/references/storage-class-parameters, and the share manager's, of its page on RWX volumes. */
const LONGHORN_PARAMETERS = new Set([
  ...['numberOfReplicas', 'staleReplicaTimeout', 'fromBackup', 'backupTargetName', 'fsType', 'mkfsParams'],
  ...['migratable', 'encrypted', 'dataLocality', 'replicaAutoBalance', 'diskSelector', 'nodeSelector'],
  ...['recurringJobSelector', 'backingImage', 'backingImageChecksum', 'backingImageDataSourceType'],
  ...['backingImageDataSourceParameters', 'unmapMarkSnapChainRemoved', 'disableRevisionCounter'],
  ...['replicaSoftAntiAffinity', 'replicaZoneSoftAntiAffinity', 'replicaDiskSoftAntiAffinity'],
  ...['freezeFilesystemForSnapshot', 'dataEngine', 'strictTopology', 'volumeTopology', 'exclusive'],
  ...['nfsOptions', 'shareManagerNodeSelector', 'shareManagerTolerations'],
]);

export const storageClasses: readonly Rule[] = [
  {
    name: 'storage-class-is-there',
    why: 'A claim of a class that no cluster has is Pending for ever, and so are its pods.',
    *check({ objects }) {
      const there = new Set(all(objects, StorageClass.is).map(({ metadata }) => metadata?.name));
      for (const { id, name } of classes(objects)) {
        if (!there.has(name) && !STORAGE_CLASSES_FROM_OUTSIDE.has(name))
          yield `${id} is of the class ${name}, which is neither there nor known (deploy/check/rules/cluster.ts)`;
      }
    },
  },
  {
    name: 'longhorn-parameter-is-known',
    why: 'Longhorn drops a parameter that it does not know without a word, and its default holds.',
    *check({ objects }) {
      for (const storageClass of all(objects, StorageClass.is)) {
        if (storageClass.provisioner !== LONGHORN) continue;
        for (const name of Object.keys(storageClass.parameters ?? {})) {
          if (!LONGHORN_PARAMETERS.has(name) && !name.startsWith('csi.storage.k8s.io/'))
            yield `${idOf(storageClass)} has the parameter ${name}, which Longhorn has not`;
        }
      }
    },
  },
];

/** Those that claims ask for by name; the default one, and none at all, need none. */
function* classes(objects: Overlay['objects']) {
  for (const claim of all(objects, PersistentVolumeClaim.is)) {
    const name = claim.spec?.storageClassName;
    if (name) yield { id: idOf(claim), name };
  }
  for (const set of all(objects, StatefulSet.is)) {
    for (const { spec } of set.spec?.volumeClaimTemplates ?? []) {
      if (spec?.storageClassName) yield { id: idOf(set), name: spec.storageClassName };
    }
  }
}

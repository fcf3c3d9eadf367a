import { Secret } from 'kubernetes-models/v1/Secret';
import { all, type Overlay, type Workload, workloads } from '../overlay.ts';
import { SECRETS_FROM_OUTSIDE } from './cluster.ts';
import type { Rule } from './rule.ts';

/** Of all our parts. A worker that takes no jobs is not ready, which is no reason to kill it. */
const PROBED = {
  startupProbe: ['/health', '/ready'],
  readinessProbe: ['/health', '/ready'],
  livenessProbe: ['/health'],
} as const;

export const containers: readonly Rule[] = [
  {
    name: 'file-is-in-its-secret',
    why: 'A part does not start without the token that it is told to read, and kubelet makes only the keys that there are.',
    *check(overlay) {
      for (const workload of workloads(overlay)) {
        for (const { env = [], volumeMounts = [] } of workload.containers) {
          for (const { name, value } of env) {
            if (!value || !name.endsWith('_FILE')) continue;
            const mount = volumeMounts.find(({ mountPath }) => value.startsWith(`${mountPath}/`));
            const files = mount && filesOf(mount.name, workload, overlay);
            if (!files) yield `${workload.id}: ${name} is ${value}, where no Secret is mounted`;
            else if (!files.includes(value.slice(mount.mountPath.length + 1)))
              yield `${workload.id}: ${name} is ${value}, and the Secret there has ${files.join(', ')}`;
          }
        }
      }
    },
  },
  {
    name: 'listening-port-is-open',
    why: 'Service, probes and policies follow containerPort; a part that listens elsewhere is never reached.',
    *check(overlay) {
      for (const { id, containers: parts } of workloads(overlay)) {
        for (const { env = [], ports = [] } of parts) {
          const port = env.find(({ name }) => name === 'LISTENING_PORT')?.value;
          if (port !== undefined && !ports.some(({ containerPort }) => String(containerPort) === port))
            yield `${id} listens at ${port} (LISTENING_PORT), which is no containerPort of it`;
        }
      }
    },
  },
  {
    name: 'plex-stays-as-it-is',
    why: "With any other VERSION linuxserver's init installs another Plex at the start, whose codecs workers do not have.",
    *check(overlay) {
      for (const { id, containers: parts } of workloads(overlay)) {
        for (const { name, env = [] } of parts) {
          const version = env.find((one) => one.name === 'VERSION')?.value;
          if (name === 'pms' && version !== 'docker')
            yield `${id}: VERSION is ${version ?? 'not set'}, not docker`;
        }
      }
    },
  },
  {
    name: 'probes-ask-for-health',
    why: 'Any other path is 404: the pod is never ready, or killed again and again.',
    *check(overlay) {
      for (const { id, containers: parts } of workloads(overlay)) {
        for (const part of parts) {
          for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe'] as const) {
            const path = part[probe]?.httpGet?.path;
            const paths: readonly string[] = PROBED[probe];
            if (part[probe]?.httpGet && !paths.includes(path ?? '/'))
              yield `${id}: its ${probe} asks for ${path ?? '/'}, not for ${paths.join(' or ')}`;
          }
        }
      }
    },
  },
];

/** What a volume has of a Secret; undefined where it is none. */
function filesOf(volume: string, { pod, namespace }: Workload, { objects }: Overlay): string[] | undefined {
  const secret = pod.volumes?.find(({ name }) => name === volume)?.secret;
  if (!secret) return undefined;
  const { secretName = '', items } = secret;
  const found = all(objects, Secret.is).find(({ metadata }) => {
    return metadata?.name === secretName && (metadata.namespace ?? '') === namespace;
  });
  const outside = SECRETS_FROM_OUTSIDE.get(secretName);
  const keys = found
    ? Object.keys({ ...found.data, ...found.stringData })
    : outside === undefined
      ? []
      : [outside];
  if (!items) return keys;
  return items.filter(({ key }) => keys.includes(key)).map(({ path }) => path);
}

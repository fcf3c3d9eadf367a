import { DaemonSet } from 'kubernetes-models/apps/v1/DaemonSet';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { CronJob } from 'kubernetes-models/batch/v1/CronJob';
import type { INetworkPolicySpec } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicySpec';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';
import type { IPodTemplateSpec } from 'kubernetes-models/v1/PodTemplateSpec';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { parseAllDocuments } from 'yaml';

const Strings = Type.Record(Type.String(), Type.String());
const ManifestSchema = Type.Object({
  apiVersion: Type.String(),
  kind: Type.String(),
  metadata: Type.Object({
    name: Type.String(),
    namespace: Type.Optional(Type.String()),
    labels: Type.Optional(Strings),
    annotations: Type.Optional(Strings),
  }),
});

const Encrypted = Type.Object({
  sops: Type.Unknown(),
  data: Type.Optional(Strings),
  stringData: Type.Optional(Strings),
});

/** An object for Kubernetes. Whether the rest of it is as its kind has it, the type checker finds out (types.ts). */
export type Manifest = Static<typeof ManifestSchema>;

/** All objects that one `kubectl apply -k` brings. */
export interface Overlay {
  readonly name: string;
  readonly objects: readonly Manifest[];
}

/** What makes pods, and the pods that it makes. */
export interface Workload {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly pod: IPodSpec;
  readonly containers: readonly IContainer[];
}

export function parseOverlay(name: string, yaml: string): Overlay {
  const objects = parseAllDocuments(yaml).flatMap((document): Manifest[] => {
    if (document.errors[0]) throw new Error(`${name}: ${document.errors[0].message}`);
    const object: unknown = document.toJS();
    if (object === null) return [];
    if (!Value.Check(ManifestSchema, object)) {
      throw new Error(`${name}: not an object of Kubernetes: ${JSON.stringify(object).slice(0, 200)}`);
    }
    return isEncrypted(object) ? [] : [object];
  });
  return { name, objects };
}

/** By SOPS: nothing can be said of it before Flux has decrypted it. With a value in the open it is a Secret like any other. */
function isEncrypted(object: Manifest): boolean {
  if (!Value.Check(Encrypted, object)) return false;
  const values = Object.values({ ...object.data, ...object.stringData });
  return values.length > 0 && values.every((value) => value.startsWith('ENC['));
}

/** Those of one kind, as what they are. */
export function all<T>(objects: readonly Manifest[], is: (object: unknown) => object is T): T[] {
  return objects.flatMap((object: unknown) => (is(object) ? [object] : []));
}

export function workloads({ objects }: Overlay): Workload[] {
  return objects.flatMap((object) => {
    const { metadata, spec } = templateOf(object) ?? {};
    if (!spec) return [];
    return {
      id: idOf(object),
      name: object.metadata.name,
      namespace: object.metadata.namespace ?? '',
      labels: metadata?.labels ?? {},
      annotations: metadata?.annotations ?? {},
      pod: spec,
      containers: [...(spec.initContainers ?? []), ...spec.containers],
    };
  });
}

function templateOf(object: unknown): IPodTemplateSpec | undefined {
  if (CronJob.is(object)) return object.spec?.jobTemplate.spec?.template;
  return Deployment.is(object) || StatefulSet.is(object) || DaemonSet.is(object)
    ? object.spec?.template
    : undefined;
}

/** Whether it speaks with the API server, to be the leader or not. */
export function electsLeader({ containers }: Workload): boolean {
  return containers.some(({ env = [] }) => {
    return env.some(({ name, value }) => name === 'LEADER_ELECTION' && value === 'lease');
  });
}

export function idOf(object: {
  kind: string;
  metadata?: { name?: string | undefined; namespace?: string | undefined } | undefined;
}): string {
  const { name, namespace } = object.metadata ?? {};
  return `${object.kind} ${namespace ? `${namespace}/` : ''}${name}`;
}

/** Whether a selector of labels, as Services and policies have it, takes something with these labels. */
export function selects(
  wanted: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}

/** The same of a selector with expressions; one that is no list of values is taken to refuse. */
export function takes(
  selector: INetworkPolicySpec['podSelector'],
  labels: Readonly<Record<string, string>>,
): boolean {
  const isListed = (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    return operator === 'In' && values.includes(labels[key] ?? '');
  });
  return isListed && selects(selector?.matchLabels ?? {}, labels);
}

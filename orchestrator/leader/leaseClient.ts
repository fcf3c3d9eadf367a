import type { V1Lease } from '@kubernetes/client-node';
import { type Kubernetes, statusOf } from '../kubernetes.ts';
import type { Lease, LeaseAnswer, LeaseCall } from './elector.ts';
import type { LeaseNote } from './leaseNote.ts';

const BURSTS = 'clusterplex.io/bursts';

/** Carries out the calls of an elector on the Lease of that name. */
export class LeaseClient implements LeaseNote {
  readonly #kubernetes: Kubernetes;
  readonly #name: string;
  readonly #seconds: number;
  /** As it was last: what others have put into it stays. */
  #last: V1Lease | null = null;
  #text: string | null = null;

  constructor(kubernetes: Kubernetes, name: string, durationMs: number) {
    this.#kubernetes = kubernetes;
    this.#name = name;
    this.#seconds = Math.ceil(durationMs / 1_000);
  }

  get text(): string | null {
    return this.#text ?? this.#last?.metadata?.annotations?.[BURSTS] ?? null;
  }

  set text(text: string | null) {
    this.#text = text;
  }

  /** Rejects when there is no usable answer. */
  readonly carryOut = async (call: LeaseCall, signal: AbortSignal): Promise<LeaseAnswer> => {
    try {
      const lease = await this.#request(call, signal);
      const read = readLease(lease);
      this.#last = lease;
      return { type: 'lease', lease: read };
    } catch (error) {
      const status = statusOf(error);
      if (status === 404 && !isCreation(call)) return { type: 'missing' };
      if (status === 409) return { type: 'conflict' };
      throw error;
    }
  };

  #request(call: LeaseCall, signal: AbortSignal): Promise<V1Lease> {
    const { leases, namespace } = this.#kubernetes;
    const name = this.#name;
    return this.#kubernetes.ask(signal, (options) => {
      if (call.type === 'read') return leases.readNamespacedLease({ namespace, name }, options);
      const body = this.#content(call);
      if (call.version === null) return leases.createNamespacedLease({ namespace, body }, options);
      return leases.replaceNamespacedLease({ namespace, name, body }, options);
    });
  }

  #content({ version, holder, transitions, isTaken }: Extract<LeaseCall, { type: 'write' }>): V1Lease {
    const { V1MicroTime } = this.#kubernetes.module;
    const now = new V1MicroTime();
    const before = version === null ? null : this.#last;
    const { text } = this;
    const annotations = { ...before?.metadata?.annotations, ...(text !== null && { [BURSTS]: text }) };
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        ...before?.metadata,
        ...{ name: this.#name, annotations },
        ...(version && { resourceVersion: version }),
      },
      spec: {
        ...before?.spec,
        holderIdentity: holder ?? '',
        leaseDurationSeconds: holder === null ? 1 : this.#seconds,
        leaseTransitions: transitions,
        acquireTime: isTaken ? now : (before?.spec?.acquireTime ?? now),
        renewTime: now,
      },
    };
  }
}

/** Where the Lease can't be created as its namespace is not there, it is not the Lease that is missing. */
function isCreation(call: LeaseCall): boolean {
  return call.type === 'write' && call.version === null;
}

/** Others may have written it: whatever they left out means that nobody holds it. */
function readLease({ metadata, spec }: V1Lease): Lease {
  const version = metadata?.resourceVersion;
  if (!version) throw new Error('the Lease has no resourceVersion');
  const seconds = spec?.leaseDurationSeconds ?? 0;
  const transitions = spec?.leaseTransitions ?? 0;
  if (!Number.isSafeInteger(seconds) || !Number.isSafeInteger(transitions) || transitions < 0)
    throw new Error(`the Lease is none: ${seconds} seconds, ${transitions} transitions`);
  return {
    version,
    holder: spec?.holderIdentity || null,
    durationMs: seconds * 1_000,
    transitions,
    // Whatever its type says: the client leaves it a string.
    renewedAt: JSON.stringify(spec?.renewTime ?? null),
  };
}

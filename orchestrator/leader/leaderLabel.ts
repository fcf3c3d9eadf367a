import type { Clock, Timer } from '#shared/clock.ts';
import type { Logger } from '#shared/logger.ts';
import { type Kubernetes, type RequestOptions, reasonOf, statusOf } from '../kubernetes.ts';

/** The Service selects it. */
const LABEL = 'clusterplex.io/role';
const LEADER = 'leader';
/** Labels that tell one installation in a namespace from another. */
const APP_LABELS = ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component'];

/** A request that was late may put a label where none belongs. */
const LOOK_AGAIN_MS = 10_000;

export interface LeaderLabelOptions {
  readonly kubernetes: Kubernetes;
  readonly podName: string;
  /** Asked for anew each time: one that stood still must not call peers to itself before it notices. */
  readonly leads: () => boolean;
  readonly timeoutMs: number;
  readonly retryMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Keeps the label at the leader's pod and nowhere else, for as long as this one leads; else takes its own off. */
export class LeaderLabel {
  readonly #options: LeaderLabelOptions;
  #isWorn = false;
  #isStopped = false;
  #timer: Timer | null = null;
  #running: Promise<void> | null = null;
  #failure: string | null = null;

  constructor(options: LeaderLabelOptions) {
    this.#options = options;
  }

  /** Puts it on or takes it off. Resolves when that was tried once. */
  async update(): Promise<void> {
    await this.#running;
    this.#timer?.cancel();
    this.#running = this.#reconcile();
    await this.#running;
  }

  /** Once it does not lead any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    if (this.#isWorn) await this.update();
  }

  async #reconcile(): Promise<void> {
    const { clock, logger, retryMs } = this.#options;
    const leads = this.#options.leads();
    this.#isWorn = leads;
    let againMs: number | null = leads ? LOOK_AGAIN_MS : null;
    try {
      await this.#label(this.#options.podName, leads ? LEADER : null);
      if (leads) await this.#takeOthersOff();
      this.#failure = null;
    } catch (error) {
      const reason = reasonOf(error);
      if (reason !== this.#failure) logger.warn({ reason }, `the label ${LABEL} could not be set`);
      this.#failure = reason;
      againMs = retryMs;
    }
    if (againMs === null || this.#isStopped) return;
    this.#timer = clock.after(againMs, () => {
      this.#running = this.#reconcile();
    });
  }

  async #takeOthersOff(): Promise<void> {
    const { kubernetes, podName: name, leads } = this.#options;
    const { pods, namespace } = kubernetes;
    const own = await this.#ask((options) => pods.readNamespacedPod({ namespace, name }, options));
    const { labels = {} } = own.metadata ?? {};
    const app = APP_LABELS.flatMap((key) => (labels[key] ? [`${key}=${labels[key]}`] : []));
    if (!leads()) return;
    const labelSelector = [`${LABEL}=${LEADER}`, ...app].join(',');
    const found = await this.#ask((options) => pods.listNamespacedPod({ namespace, labelSelector }, options));
    for (const { metadata } of found.items) {
      if (!leads()) return;
      if (metadata?.name && metadata.name !== name) await this.#takeOff(metadata.name);
    }
  }

  async #takeOff(name: string): Promise<void> {
    try {
      await this.#label(name, null);
    } catch (error) {
      // It is gone.
      if (statusOf(error) !== 404) throw error;
    }
  }

  async #label(name: string, value: string | null): Promise<void> {
    const { pods, namespace, module } = this.#options.kubernetes;
    const body = { metadata: { labels: { [LABEL]: value } } };
    await this.#ask((options) => {
      const patch = module.setHeaderOptions('Content-Type', module.PatchStrategy.MergePatch, options);
      return pods.patchNamespacedPod({ namespace, name, body }, patch);
    });
  }

  async #ask<T>(request: (options: RequestOptions) => Promise<T>): Promise<T> {
    const { clock, kubernetes, timeoutMs } = this.#options;
    const abort = new AbortController();
    const timer = clock.after(timeoutMs, () => abort.abort(new Error(`no answer within ${timeoutMs} ms`)));
    try {
      return await kubernetes.ask(abort.signal, request);
    } finally {
      timer.cancel();
    }
  }
}

import type { Overlay } from '../overlay.ts';

/** A trap of a cluster, which types can't see. */
export interface Rule {
  readonly name: string;
  /** What happens to those who fall into it. */
  readonly why: string;
  /** What is wrong with what an overlay renders to, each as a sentence that names the object. */
  readonly check: (overlay: Overlay) => Iterable<string>;
  /** Whether it holds for each part that Flux applies, too, not only for the whole. */
  readonly ofParts?: true;
}

/** A trap of files that are no objects, or that must agree with each other: texts by their path in the repository. */
export interface FileRule {
  readonly name: string;
  readonly why: string;
  readonly check: (files: ReadonlyMap<string, string>) => Iterable<string>;
}

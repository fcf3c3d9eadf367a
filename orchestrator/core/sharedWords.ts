import type { Capabilities } from '#shared/capabilities.ts';

/**
 * Workers of one image say the same in hundreds of words, and each would keep its own copy: 30 KB. Lists that are as the
 * last worker's are kept once.
 */
export class SharedWords {
  #last: Pick<Capabilities, 'decoders' | 'encoders' | 'filters'> = {
    decoders: [],
    encoders: [],
    filters: [],
  };

  /** The same capabilities. */
  of(capabilities: Capabilities): Capabilities {
    const decoders = either(this.#last.decoders, capabilities.decoders);
    const encoders = either(this.#last.encoders, capabilities.encoders);
    const filters = either(this.#last.filters, capabilities.filters);
    this.#last = { decoders, encoders, filters };
    return { ...capabilities, decoders, encoders, filters };
  }
}

function either(known: string[], words: string[]): string[] {
  const isKnown = known.length === words.length && known.every((word, index) => word === words[index]);
  return isKnown ? known : words;
}

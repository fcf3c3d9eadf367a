/** One filter of a graph: `[in]name=options[out]`. */
export interface Filter {
  readonly inputs: readonly string[];
  /** Name and options as they were written, with the space that PMS puts after an audio stream's label. */
  readonly text: string;
  readonly outputs: readonly string[];
}

/** Chains, each of filters that feed the next. */
export type FilterGraph = readonly (readonly Filter[])[];

const FILTER = /^((?:\[[^[\]]*\])*)((?:'[^']*'|\\.|[^'\\[\]])+)((?:\[[^[\]]*\])*)$/s;

/** Reads a filter graph such that printing it gives the same text; null for what would not. */
export function readGraph(text: string): FilterGraph | null {
  const chains: Filter[][] = [];
  for (const chain of split(text, ';')) {
    const filters: Filter[] = [];
    for (const part of split(chain, ',')) {
      const [, inputs, body, outputs] = FILTER.exec(part) ?? [];
      if (inputs === undefined || body === undefined || outputs === undefined) return null;
      filters.push({ inputs: labels(inputs), text: body, outputs: labels(outputs) });
    }
    chains.push(filters);
  }
  return printGraph(chains) === text ? chains : null;
}

export function printGraph(graph: FilterGraph): string {
  const print = ({ inputs, text, outputs }: Filter): string => bracketed(inputs) + text + bracketed(outputs);
  return graph.map((chain) => chain.map(print).join(',')).join(';');
}

/** The graph with other labels. Streams of inputs (`0:1`) are labels, too. */
export function relabelled(graph: FilterGraph, rename: (label: string) => string): FilterGraph {
  return graph.map((chain) =>
    chain.map(({ inputs, text, outputs }) => ({
      inputs: inputs.map(rename),
      text,
      outputs: outputs.map(rename),
    })),
  );
}

/** Splits at a separator that is neither quoted nor escaped. */
function split(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let part = '';
  for (const [token] of text.matchAll(/'[^']*'|\\.|./gs)) {
    if (token !== separator) {
      part += token;
      continue;
    }
    parts.push(part);
    part = '';
  }
  return [...parts, part];
}

function labels(text: string): string[] {
  return text === '' ? [] : text.slice(1, -1).split('][');
}

function bracketed(names: readonly string[]): string {
  return names.map((name) => `[${name}]`).join('');
}

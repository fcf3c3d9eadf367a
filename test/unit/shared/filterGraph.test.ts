import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printGraph, readGraph, relabelled } from '#shared/argv/filterGraph.ts';
import { corpus } from '../../support/corpus.ts';

const graphs = corpus().flatMap(({ argv }) =>
  argv.filter((_, index) => /^-(filter_complex|vf|af|lavfi)/.test(argv[index - 1] ?? '')),
);

test('every filter graph of the corpus is read and printed without loss', () => {
  expect(graphs.length).toBeGreaterThan(200);
  for (const text of graphs) {
    const graph = readGraph(text);
    expect(graph, text).not.toBeNull();
    expect(printGraph(graph ?? [])).toBe(text);
  }
});

test('whatever is read is printed as it was', () => {
  const piece = fc.constantFrom(
    '[0:1]',
    '[2]',
    ',',
    ';',
    '\\,',
    "'a,b;c'",
    'scale=w=1',
    ' ',
    '\\\\\\,',
    '[',
    "'",
    '\\',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      const graph = readGraph(text);
      return graph === null || printGraph(graph) === text;
    }),
  );
});

test('commas and brackets that are quoted or escaped separate nothing', () => {
  const graph = readGraph("[0:0]drawtext='a,b;[c]':x=1\\,2[0];[0]scale=1:2,null[1]");
  expect(graph?.map((chain) => chain.length)).toEqual([1, 2]);
});

test('labels are renamed and nothing else', () => {
  const graph = readGraph("[0:1] aresample=ochl='[2]'[2]");
  const renamed = relabelled(graph ?? [], (label) => (label === '2' ? '5' : label));
  expect(printGraph(renamed)).toBe("[0:1] aresample=ochl='[2]'[5]");
});

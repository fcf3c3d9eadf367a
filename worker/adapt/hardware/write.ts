import { allOptions, readCommand } from '#shared/argv/command.ts';
import { printGraph, readGraph, relabelled } from '#shared/argv/filterGraph.ts';
import type { Place, VideoPart } from '#shared/argv/videoPart.ts';
import type { ByteString } from '#shared/bytes.ts';
import type { Form } from './form.ts';

/** The command with its video part in another form. Labels after it move with it; all else stays byte for byte. */
export function written(argv: readonly ByteString[], part: VideoPart, form: Form): ByteString[] {
  const { places, stream, firstLabel, lastLabel } = part;
  const graph = form.steps.map((step, position) => {
    const from = position === 0 ? `0:${stream}` : firstLabel + position - 1;
    return `[${from}]${step}[${firstLabel + position}]`;
  });
  const last = firstLabel + form.steps.length - 1;
  const replaced: (readonly [Place, readonly ByteString[]])[] = [
    [places.decoder, form.decoder],
    [places.graph, [graph.join(';')]],
    [places.map, [`[${last}]`]],
    [places.encoder, form.encoder],
  ];
  if (places.device) replaced.push([places.device, form.device]);
  for (const index of labelledAfter(argv, part)) {
    replaced.push([{ index, length: 1 }, [moved(String(argv[index]), lastLabel, last - lastLabel)]]);
  }
  return replaced
    .toSorted(([a], [b]) => b.index - a.index)
    .reduce(
      (edited, [{ index, length }, elements]) => edited.toSpliced(index, length, ...elements),
      [...argv],
    );
}

/** Where the other graphs stand, and what is mapped of them. */
function labelledAfter(argv: readonly ByteString[], { places }: VideoPart): number[] {
  return allOptions(readCommand(argv)).flatMap(({ name, valueIndex }) => {
    if (valueIndex === null || valueIndex === places.graph.index || valueIndex === places.map.index)
      return [];
    const isGraph = name === 'filter_complex' && readGraph(String(argv[valueIndex])) !== null;
    return isGraph || (name === 'map' && /^\[\d+\]$/.test(String(argv[valueIndex]))) ? [valueIndex] : [];
  });
}

function moved(text: string, after: number, by: number): string {
  const rename = (label: string): string =>
    /^\d+$/.test(label) && Number(label) > after ? String(Number(label) + by) : label;
  const mapped = /^\[(\d+)\]$/.exec(text)?.[1];
  return mapped === undefined ? printGraph(relabelled(readGraph(text) ?? [], rename)) : `[${rename(mapped)}]`;
}

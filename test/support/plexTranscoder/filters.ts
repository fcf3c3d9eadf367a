/** What only Plex's fork of ffmpeg has in its filter graphs, in the words of any ffmpeg since 4.1. */
export function translateGraph(graph: string, burnIn: string | null): string {
  return (
    graph
      // Newer than the oldest ffmpeg we run on, and of no effect: Plex already computed a size that is divisible.
      .replaceAll(/:force_divisible_by=\d+/g, '')
      // Plex's tonemap takes and gives p010; stock ffmpeg's wants linear light. The samples are SDR.
      .replaceAll(/format=p010,tonemap=\w+/g, 'null')
      .replaceAll(/inlineass=[^[\];]*/g, burnIn ?? 'null')
      .replaceAll(/aresample=([^[\],;]*)/g, (_, options: string) => translateResampler(options))
  );
}

/** `ocl` became `ochl`, and the one vanished where the other came: the layout is asked for by `aformat` instead. */
function translateResampler(options: string): string {
  const layout = /(?:^|:)ochl?='?([^':]+)'?/.exec(options)?.[1];
  const rest = options.replace(/(^|:)ochl?='?[^':]+'?/, '').replace(/^:/, '');
  return `aresample=${rest}${layout === undefined ? '' : `,aformat=channel_layouts=${layout}`}`;
}

import ffmpeg from 'fluent-ffmpeg';

/**
 * Asks the transcoder what it can encode, decode and filter, and prints the answer as JSON. A process of its own: a transcoder
 * that hangs is ended together with it.
 */
const [, , transcoder = ''] = process.argv;
const command = ffmpeg().setFfmpegPath(transcoder);

command.getAvailableEncoders((encodersError, encoders) => {
  if (encodersError) {
    print({ problem: encodersError.message });
    return;
  }
  command.getAvailableCodecs((codecsError, codecs) => {
    const decoders = Object.entries(codecs ?? {}).flatMap(([name, { canDecode }]) =>
      canDecode ? [name] : [],
    );
    command.getAvailableFilters((filtersError, filters) => {
      print({
        encoders: Object.keys(encoders ?? {}),
        decoders: codecsError ? [] : decoders,
        filters: filtersError ? [] : Object.keys(filters ?? {}),
      });
    });
  });
});

function print(answer: object): void {
  process.stdout.write(JSON.stringify(answer));
}

import { posix } from 'node:path';
import { allOptions, readCommand } from '#shared/argv/command.ts';
import { type ByteString, latin1 } from '#shared/bytes.ts';

/** A file that a command names, or a reason not to run the command at all. */
export type NamedFile = { readonly argument: number } & (
  | {
      /** Absolute, as it was spelled: what a step up leads to depends on links. Every character is a byte. */ readonly path: string;
      readonly mode: 'ro' | 'rw';
    }
  | { readonly problem: string }
);

/** Protocols that open another file or address, which stands behind the colon; `+` ties two of them. */
const WRAPPERS = ['file', 'concat', 'subfile', 'cache', 'async', 'crypto', 'hls'];
/** Protocols that touch no file of this machine. */
const HARMLESS = ['http', 'https', 'pipe'];
/** A protocol, perhaps with options behind commas: `file:`, `crypto+file:`, `subfile,,start,0,end,9,,:`. */
const PROTOCOL = /^([a-z0-9+.-]+)(?:,[^:]*)?:/i;

/** Options that name what is written: an address, a file, or the beginning of a file's name. */
const OUTPUT_OPTIONS = new Set(
  (
    'progress progressurl manifest_name master_pl_name segment_list segment_header_filename sdp_file passlogfile ' +
    'hls_segment_filename hls_fmp4_init_filename hls_subtitle_path init_seg_name media_seg_name single_file_name ' +
    'hls_master_name vstats_file dump_attachment stats_enc_pre stats_enc_post stats_mux_pre print_graphs_file header'
  ).split(' '),
);
/** Options with options of an encoder inside, which can name a log. */
const ENCODER_OPTIONS = /^x264opts$|[-_]params$/;
/** Options whose value nobody opens. */
const TEXT_OPTIONS = new Set(
  'metadata user_agent user-agent headers cookies referer hls_base_url segment_list_entry_prefix'.split(' '),
);
/** Options that take more of the command from a file, where nobody has looked at it. */
const SCRIPT_OPTIONS = new Set(
  'filter_script filter_complex_script graph_file fpre vpre apre spre pre'.split(' '),
);
/** Options that take a number with some versions of ffmpeg, and nothing with others. */
const NUMBER_OR_NOTHING = new Set(['autorotate', 'autoscale', 'isync']);
/** Options with which an input may name other files and addresses than it otherwise could. */
const TRUSTING_OPTIONS = new Set(
  'safe protocol_whitelist allowed_extensions allowed_segment_extensions extension_picky enable_drefs'.split(
    ' ',
  ),
);
/** Formats whose content is a list of other files or addresses, or that are devices of this machine. */
const FORMATS_ELSEWHERE = new Set(
  (
    'concat ffmetadata sdp imf rtsp rtp sap webm_dash_manifest alsa pulse jack oss sndio v4l2 video4linux2 x11grab ' +
    'xcbgrab xv sdl sdl2 opengl fbdev kmsgrab caca libcdio iec61883 openal libdc1394 decklink android_camera'
  ).split(' '),
);
/** Filters that write files they name, perhaps with a name of their own behind an `@`. */
const WRITING_FILTERS = new RegExp(
  String.raw`(?<!\w)(?:a?metadata|asr|whisper|firequalizer|curves|deshake|paletteuse|x?psnr|ssim|ssim360|` +
    String.raw`vmafmotion|libvmaf\w*|vidstabdetect|signature|libplacebo)\s*[=@]`,
);
/** Filters that load a program, or take orders from a file or the network. */
const FOREIGN_FILTERS = /(?<!\w)(ladspa|lv2|frei0r(?:_src)?|a?sendcmd|a?zmq)\s*(?:[=@,;[]|$)/;
/** ffmpeg's file patterns: `%*`, `%{a,b%}`. They may stand for `..`, where a name begins with a dot. */
const CLIMBING_PATTERN = /^(?=.*%[*?[\]{}]).*(?:%\{|(?:^|\/)\.)/s;

/** Every file that argv names, however it is spelled; relative names of inputs and outputs start from the cwd. */
export function namedFiles(argv: readonly ByteString[], cwd: string): NamedFile[] {
  const texts = argv.map(latin1);
  const text = (index: number): string => texts[index] ?? '';
  const command = readCommand(texts);
  const options = allOptions(command);
  const isTee = options.some(({ valueIndex }) => valueIndex !== null && text(valueIndex) === 'tee');
  return [
    ...command.inputs.flatMap(({ index, options: own }): NamedFile[] => {
      const [argument, name] = [index + 1, text(index)];
      if (CLIMBING_PATTERN.test(name)) {
        return [{ argument, problem: 'is a file pattern that may lead anywhere' }];
      }
      const files = opened(name, { argument, mode: 'ro', cwd });
      const isGraph = own.some(({ valueIndex }) => valueIndex !== null && /^lavfi$/i.test(text(valueIndex)));
      return isGraph ? [...files, ...ofGraph(name, argument)] : files;
    }),
    ...command.outputs.flatMap(({ index }) => {
      const parts = isTee ? text(index).split('|') : [text(index)];
      return parts.flatMap((part) => opened(part, { argument: index + 1, mode: 'rw', cwd }));
    }),
    ...options.flatMap(({ name, index, valueIndex }): NamedFile[] => {
      if (SCRIPT_OPTIONS.has(name) || name.startsWith('/')) {
        return [{ argument: index + 1, problem: `takes options from a file, which can't be checked` }];
      }
      if (valueIndex === null) return [];
      if (NUMBER_OR_NOTHING.has(name) && !/^-?\d+$/.test(text(valueIndex))) {
        return [{ argument: index + 1, problem: 'takes a number with some versions of ffmpeg: give it one' }];
      }
      return ofOption(name, text(valueIndex), valueIndex + 1);
    }),
  ];
}

interface Place {
  readonly argument: number;
  readonly mode: 'ro' | 'rw';
  /** Where a relative name starts; null where that differs from option to option. */
  readonly cwd: string | null;
}

function ofOption(name: string, value: string, argument: number): NamedFile[] {
  if (TEXT_OPTIONS.has(name)) return [];
  if (TRUSTING_OPTIONS.has(name)) {
    return [{ argument, problem: 'would let an input name files of its own choice' }];
  }
  if (name === 'f') {
    const format = value.split(',').find((each) => FORMATS_ELSEWHERE.has(each.toLowerCase()));
    return format === undefined
      ? []
      : [{ argument, problem: `is the format ${format}, which no job may use` }];
  }
  if (name === 'pattern_type' && value.startsWith('glob')) {
    return [{ argument, problem: 'makes the input a file pattern, which may lead anywhere' }];
  }
  if (name === 'dump_attachment' && value === '') {
    return [{ argument, problem: 'lets the input name the file that is written' }];
  }
  if (OUTPUT_OPTIONS.has(name)) return opened(value, { argument, mode: 'rw', cwd: null });
  if (value.startsWith('/')) return [{ argument, path: value, mode: 'ro' }];
  return ENCODER_OPTIONS.test(name)
    ? within(value, { argument, mode: 'rw', cwd: null })
    : ofGraph(value, argument);
}

/** Files of filters, if it is a graph of them. */
function ofGraph(graph: string, argument: number): NamedFile[] {
  const [, foreign] = FOREIGN_FILTERS.exec(unquoted(graph)) ?? [];
  if (foreign !== undefined) return [{ argument, problem: `uses the filter ${foreign}, which no job may` }];
  const mode = WRITING_FILTERS.test(unquoted(graph)) ? 'rw' : 'ro';
  return within(graph, { argument, mode, cwd: null });
}

/** ffmpeg takes quotes and backslashes from everything, names of filters too. */
function unquoted(text: string): string {
  return text.replace(/[\\']/g, '');
}

/** What ffmpeg opens by this name: a file, or an address with a protocol. */
function opened(name: string, place: Place): NamedFile[] {
  const { argument, mode, cwd } = place;
  if (name.startsWith('/')) return [{ argument, path: name, mode }];
  const [prefix, given = ''] = PROTOCOL.exec(name) ?? [];
  if (prefix === undefined) {
    const files = within(name, place);
    return cwd === null ? files : [...files, { argument, path: `${cwd}/${name}`, mode }];
  }
  const protocols = given.toLowerCase().split('+');
  const unknown = protocols.find((protocol) => !WRAPPERS.includes(protocol) && !HARMLESS.includes(protocol));
  if (unknown !== undefined) return [{ argument, problem: `uses the protocol ${unknown}, which no job may` }];
  if (protocols.some((protocol) => HARMLESS.includes(protocol))) return [];
  const rest = name.slice(prefix.length);
  const parts = protocols.includes('concat') ? rest.split('|') : [rest];
  return parts.flatMap((part) => opened(part, place));
}

/** Files named inside a text of another form: filters, options of options, tee's outputs. */
function within(text: string, { argument, mode, cwd }: Place): NamedFile[] {
  const plain = unquoted(text).replace(/https?:\/\/(?=[^/])/gi, 'http.');
  const tokens = plain.split(/[=:,;|[\]]/).map((token) => token.trim());
  return tokens.flatMap((token, index): NamedFile[] => {
    // `movie` has options like those of an input.
    const format =
      /^f(?:ormat_name)?$/.test(tokens[index - 1] ?? '') && FORMATS_ELSEWHERE.has(token.toLowerCase());
    if (format || TRUSTING_OPTIONS.has(token)) {
      return [{ argument, problem: `has ${token} inside it, which would let an input name files` }];
    }
    const climbs = /^\.\.(?:\/|$)/.test(posix.normalize(token.replace(/^\/+/, '')));
    if (climbs && (cwd === null || token !== text)) {
      return [{ argument, problem: 'steps up (..) in a path inside it, which no option may' }];
    }
    return token.startsWith('/') ? [{ argument, path: token, mode }] : [];
  });
}

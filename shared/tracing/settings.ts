import {
  choice,
  flag,
  httpUrl,
  milliseconds,
  optionalText,
  type Setting,
  type SettingsOf,
} from '../settings/table.ts';

const SAMPLERS = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const;

/** Rows of every part that makes spans. Names and defaults are OpenTelemetry's. */
export const traceSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl(
    'Where a collector takes OTLP over HTTP; `/v1/traces` is appended. Without it and the next one there are no traces.',
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collectorUrl('The same for traces, and whole: nothing is appended.'),
  OTEL_EXPORTER_OTLP_HEADERS: {
    ...pairs('Headers for the collector, such as its token; percent-encoded.'),
    secret: true,
  },
  OTEL_EXPORTER_OTLP_TIMEOUT: milliseconds(10_000, 'How long the collector may take.'),
  OTEL_BSP_SCHEDULE_DELAY: milliseconds(5_000, 'How long spans are gathered before they are sent.'),
  OTEL_SERVICE_NAME: optionalText(
    'What this part is called in traces. Default: `clusterplex-` and the part, as in `clusterplex-worker`.',
  ),
  OTEL_RESOURCE_ATTRIBUTES: pairs('What else describes this part in traces; percent-encoded.'),
  OTEL_TRACES_SAMPLER: choice(
    SAMPLERS,
    'parentbased_always_on',
    'Which jobs are traced. The relay decides; the other parts follow it, unless theirs is not `parentbased_`.',
  ),
  OTEL_TRACES_SAMPLER_ARG: ratio(1, 'Of the samplers that end in `traceidratio`: the share of jobs.'),
  OTEL_TRACES_EXPORTER: choice(['otlp', 'none'], 'otlp', '`none`: no traces.'),
  OTEL_SDK_DISABLED: flag(false, 'Whether there are no traces whatever the others say.'),
};

export type TraceSettings = SettingsOf<typeof traceSettings>;

/** Where traces go; null when there are none. */
export function collectorOf(settings: TraceSettings): string | null {
  if (settings.OTEL_SDK_DISABLED || settings.OTEL_TRACES_EXPORTER === 'none') return null;
  const base = settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  return settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base.replace(/\/*$/, '')}/v1/traces`);
}

function collectorUrl(doc: string): Setting<string | null> {
  return { ...httpUrl('http://localhost:4318', doc), default: null, absent: null };
}

function ratio(value: number, doc: string): Setting<number> {
  return {
    ...{ form: '0 to 1', default: String(value), doc, secret: false, absent: value },
    parse(given) {
      const read = Number(given);
      if (!/^[\d.]+$/.test(given) || !(read >= 0 && read <= 1)) throw new Error('not a number from 0 to 1');
      return read;
    },
  };
}

function pairs(doc: string): Setting<Readonly<Record<string, string>>> {
  return {
    ...{ form: 'name=value, comma separated', default: null, doc, secret: false, absent: {} },
    parse: (given) => Object.fromEntries(given.split(',').map(pair)),
  };
}

/** A value may hold another `=`, as base64 does. */
function pair(text: string): [name: string, value: string] {
  const [, name = '', value = ''] = /^\s*([^=\s]+)\s*=\s*([\x20-\x7e]*?)\s*$/.exec(text) ?? [];
  try {
    if (name !== '') return [decodeURIComponent(name), decodeURIComponent(value)];
  } catch {}
  throw new Error('not a list as in name=value,other=value, with other characters as %20 and the like');
}

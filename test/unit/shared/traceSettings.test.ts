import { expect, test } from 'vitest';
import { readSettings, secretsOf } from '#shared/settings/read.ts';
import { collectorOf, traceSettings } from '#shared/tracing/settings.ts';

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://tempo:4318' };

function read(env: Record<string, string>) {
  return readSettings(traceSettings, env, () => '');
}

test.each<[string | null, Record<string, string>]>([
  [null, {}],
  ['http://tempo:4318/v1/traces', ENDPOINT],
  ['http://tempo:4318/otlp/v1/traces', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://tempo:4318/otlp/' }],
  ['https://x/traces', { ...ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://x/traces' }],
  ['http://tempo:4318/v1/traces', { ...ENDPOINT, OTEL_SDK_DISABLED: 'false' }],
  [null, { ...ENDPOINT, OTEL_SDK_DISABLED: 'true' }],
  [null, { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
  [null, { OTEL_SERVICE_NAME: 'plex', OTEL_TRACES_EXPORTER: 'otlp' }],
])('traces go to %s with %j', (collector, env) => {
  expect(collectorOf(read(env))).toBe(collector);
});

test('lists of names and values are percent-encoded, and a value may hold =', () => {
  const settings = read({
    OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Basic%20dTpw== , x-scope=1',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=home,empty=',
  });
  expect(settings.OTEL_EXPORTER_OTLP_HEADERS).toEqual({ Authorization: 'Basic dTpw==', 'x-scope': '1' });
  expect(settings.OTEL_RESOURCE_ATTRIBUTES).toEqual({ 'deployment.environment.name': 'home', empty: '' });
  expect(read({}).OTEL_EXPORTER_OTLP_HEADERS).toEqual({});
});

test.each([
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'tempo:4317', /"tempo:4317" is not an http\(s\) address such as http:/],
  ['OTEL_TRACES_SAMPLER', 'often', /none of parentbased_always_on, /],
  ['OTEL_TRACES_SAMPLER_ARG', '1.5', /"1.5" is not a number from 0 to 1/],
  ['OTEL_TRACES_SAMPLER_ARG', '.', /not a number from 0 to 1/],
  ['OTEL_TRACES_EXPORTER', 'jaeger', /none of otlp, none/],
  ['OTEL_RESOURCE_ATTRIBUTES', 'home', /"home" is not a list as in name=value/],
  ['OTEL_RESOURCE_ATTRIBUTES', 'a=%zz', /not a list as in name=value/],
  ['OTEL_BSP_SCHEDULE_DELAY', 'soon', /not a whole number/],
])('%s=%s is refused, and the error says what it should be', (name, value, problem) => {
  expect(() => read({ [name]: value })).toThrow(problem);
});

test('a wrong header list is refused without being shown', () => {
  expect(() => read({ OTEL_EXPORTER_OTLP_HEADERS: 'Bearer s3cret' })).toThrow(
    /^OTEL_EXPORTER_OTLP_HEADERS is wrong: its value is not a list as in name=value/,
  );
});

test('values of headers are secrets, but for those that stand everywhere', () => {
  const settings = read({
    OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=0123456789,x-scope=1',
    OTEL_SERVICE_NAME: 'x',
  });
  expect(secretsOf(traceSettings, settings)).toEqual(['0123456789']);
});

import { Compile } from 'typebox/compile';
import { expect, test } from 'vitest';
import { Traceparent } from '#shared/tracing/traceparent.ts';

const schema = Compile(Traceparent);

test('a context is as W3C writes it', () => {
  expect(schema.Check('00-0b5a2f1e8d3c4f6a9c215e7d0a1b2c3d-9c215e7d0a1b2c3d-01')).toBe(true);
});

// A collector would refuse all that comes with it.
test.each([
  `00-${'0'.repeat(32)}-9c215e7d0a1b2c3d-01`,
  `00-0b5a2f1e8d3c4f6a9c215e7d0a1b2c3d-${'0'.repeat(16)}-01`,
  '00-0B5A2F1E8D3C4F6A9C215E7D0A1B2C3D-9c215e7d0a1b2c3d-01',
  '00-0b5a2f1e8d3c4f6a9c215e7d0a1b2c3d-9c215e7d0a1b2c3d-01-more',
  '',
])('%j is none', (text) => {
  expect(schema.Check(text)).toBe(false);
});

import { Type } from 'typebox';

/** The context of a job's trace, as W3C writes it. */
export const Traceparent = Type.String({
  pattern: '^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$',
});

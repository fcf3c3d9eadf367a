import { type Static, Type } from 'typebox';

const strict = { additionalProperties: false };

export const PeersView = Type.Object(
  {
    relays: Type.Array(Type.Object({ name: Type.String(), version: Type.String() }, strict)),
    /** Who was not let in during the last 30 s, and what to do about it. */
    refused: Type.Array(
      Type.Object(
        {
          role: Type.Union([Type.Literal('relay'), Type.Literal('worker')]),
          address: Type.String(),
          reason: Type.Union([
            Type.Literal('no-token'),
            Type.Literal('wrong-token'),
            Type.Literal('other-version'),
          ]),
          message: Type.String(),
          hint: Type.String(),
          times: Type.Integer({ minimum: 1 }),
          lastAt: Type.String({ format: 'date-time' }),
        },
        strict,
      ),
    ),
  },
  { ...strict, title: 'Peers' },
);
export type PeersView = Static<typeof PeersView>;

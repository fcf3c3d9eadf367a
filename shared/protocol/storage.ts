import { type Static, Type } from 'typebox';
import { FINGERPRINT_LENGTH, FINGERPRINT_SIZE } from '../storage/fingerprint.ts';
import { FOLDERS_FINGERPRINT_SIZE } from '../storage/folders.ts';
import { PROOF_PATTERN } from '../storage/proofs.ts';

const strict = { additionalProperties: false };

/** What travels of a proof: shared/storage/proofs.ts. */
const Proof = Type.String({ maxLength: 64, pattern: PROOF_PATTERN });

const Fingerprint = (size: number) =>
  Type.Union([Type.Array(Type.String({ maxLength: FINGERPRINT_LENGTH }), { maxItems: size }), Type.Null()]);

/** A directory that PMS shares with the workers, and how they can tell that they have the same one. */
const fields = {
  /** As PMS names it. */
  path: Type.String({ maxLength: 4096 }),
  mode: Type.Union([Type.Literal('ro'), Type.Literal('rw')]),
  purpose: Type.Union([Type.Literal('media'), Type.Literal('transcode')]),
  /** The file that the relay wrote there last; null when it could not, or when the directory is only read. */
  proof: Type.Union([Proof, Type.Null()]),
  /** What is in it: of one that is only read, and not empty. */
  fingerprint: Fingerprint(FINGERPRINT_SIZE),
  /** What is in its folders, likewise; null when nobody knows, too. */
  folders: Fingerprint(FOLDERS_FINGERPRINT_SIZE),
};

export const MAX_SEEN = 1_000;

export const SharedMount = Type.Object(
  {
    ...fields,
    /** Of each worker the last proof that PMS sees there. */
    seen: Type.Array(Proof, { maxItems: MAX_SEEN }),
  },
  strict,
);
export type SharedMount = Static<typeof SharedMount>;

export const ContractMount = Type.Object(
  {
    ...fields,
    /** The last proof of this worker that PMS sees there. */
    seen: Type.Union([Proof, Type.Null()]),
  },
  strict,
);
export type ContractMount = Static<typeof ContractMount>;

export const RelayStorage = Type.Object(
  { type: Type.Literal('storage'), mounts: Type.Array(SharedMount, { maxItems: 256 }) },
  strict,
);
export type RelayStorage = Static<typeof RelayStorage>;

export const Contract = Type.Object(
  { type: Type.Literal('contract'), mounts: Type.Array(ContractMount) },
  strict,
);
export type Contract = Static<typeof Contract>;

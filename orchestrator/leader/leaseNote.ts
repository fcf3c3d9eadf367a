/** A text that the leader keeps in its Lease, from its next renewal on: whoever leads next finds it. */
export interface LeaseNote {
  /** Null: there is none. */
  text: string | null;
}

/** In a request for a connection: it only tries whether it would be let in, and is neither a relay nor a worker. */
export const TRIAL_HEADER = 'x-clusterplex-trial';

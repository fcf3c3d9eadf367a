import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { coerceError } from '../errors.ts';
import { type Direction, MESSAGES, type Message } from './messages.ts';

/** A message that was read, or why it is none: the text goes into the close frame's reason and the log. */
export type ReadResult<M> = { readonly message: M } | { readonly problem: string };

export interface Reader<D extends Direction> {
  read(text: string): ReadResult<Message<D>>;
}

/** Reads messages of one direction. Compiles its validators once: make one per direction, not one per connection. */
export function messageReader<D extends Direction>(direction: D): Reader<D> {
  const validators = new Map<string, Validator>(
    Object.entries(MESSAGES[direction]).map(([type, schema]: [string, TSchema]) => [type, Compile(schema)]),
  );
  return {
    read(text) {
      let value: unknown;
      try {
        value = JSON.parse(text);
      } catch (error) {
        return { problem: `not JSON: ${coerceError(error).message.slice(0, 80)}` };
      }
      const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
      const validator = typeof type === 'string' ? validators.get(type) : undefined;
      if (!validator) return { problem: `no such message: ${JSON.stringify(type)?.slice(0, 40)}` };
      if (!matches<Message<D>>(validator, value)) {
        return { problem: `${type}: ${firstProblem(validator, value)}` };
      }
      return { message: value };
    },
  };
}

/** The bytes of a message. What leaves is checked by the compiler: the types are the schemas'. */
export function encodeMessage<D extends Direction>(message: Message<D>): string {
  return JSON.stringify(message);
}

/** TypeBox derives types from the schema constant, which a map of validators no longer knows: the caller names it. */
function matches<M>(validator: Validator, value: unknown): value is M {
  return validator.Check(value);
}

/** Where a value first leaves its schema, in words that fit a close frame (123 bytes). */
export function firstProblem(validator: Validator, value: unknown): string {
  const errors = validator.Errors(value);
  const deepest = errors.reduce(
    (best, error) => (error.instancePath.length > best.instancePath.length ? error : best),
    errors[0] ?? { instancePath: '', message: 'does not fit' },
  );
  return `${deepest.instancePath || '(whole)'} ${deepest.message}`;
}

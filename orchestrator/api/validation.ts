import type { FastifySchemaValidationError } from 'fastify/types/schema.js';

/** What is wrong with a request, for people: each problem with the name of its field. */
export function validationProblem(errors: readonly FastifySchemaValidationError[], where: string): Error {
  const problems = errors.flatMap((error) => describe(error, errors, where));
  return new Error(problems.join('; '));
}

function describe(
  { keyword, instancePath, params, message = 'is wrong' }: FastifySchemaValidationError,
  all: readonly FastifySchemaValidationError[],
  where: string,
): string[] {
  const field = instancePath.slice(1).replaceAll('/', '.');
  switch (keyword) {
    // Parts of what 'anyOf' and 'additionalProperties' say once more, and better.
    case 'const':
    case 'boolean':
      return [];
    case 'anyOf': {
      const choices = all.filter((other) => other.keyword === 'const' && other.instancePath === instancePath);
      return [
        `${field} must be one of ${choices.map(({ params: { allowedValue } }) => allowedValue).join(', ')}`,
      ];
    }
    case 'additionalProperties': {
      const kind = where === 'querystring' ? 'parameter' : 'field';
      const names = Array.isArray(params['additionalProperties']) ? params['additionalProperties'] : [];
      return names.map((name) => `unknown ${kind} ${field === '' ? '' : `${field}.`}${name}`);
    }
    default:
      return [`${field === '' ? `the ${where}` : field} ${message}`];
  }
}

import { fastifySSE } from '@fastify/sse';
import swagger from '@fastify/swagger';
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import { type FastifyBaseLogger, type FastifyError, fastify, LogController } from 'fastify';
import { ErrorView, NoQuery } from '#shared/api/schemas.ts';
import { CodedError, type ErrorCode } from '#shared/errors.ts';
import type { Logger } from '#shared/logger.ts';
import { bearerMatches } from '#shared/tokens.ts';
import { VERSION } from '#shared/version.ts';
import { refuseStrangers } from './strangers.ts';
import { validationProblem } from './validation.ts';

/** Largest body of a request; ours are a few numbers. */
const MAX_BODY_BYTES = 64 * 1024;

export interface Access {
  readonly adminToken: string | null;
  readonly metricsPublic: boolean;
}

/** Routes that answer everybody. The dashboard's page holds no data, and asks for the token itself. */
const OPEN_ROUTES = new Set(['/', '/assets/*', '/health', '/ready']);

const STATUS_OF: Record<ErrorCode, number> = {
  'bad-settings': 500,
  'bad-request': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'not-leader': 421,
  'bad-message': 400,
  internal: 500,
};

/** The HTTP server with what all routes share: schemas, one error shape, access control, the OpenAPI description. */
export async function createApp(access: Access, logger: Logger) {
  const loggerInstance: FastifyBaseLogger = logger;
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(TypeBoxValidatorCompiler)
    .setSchemaErrorFormatter(validationProblem);

  // Clients that name the type of a body that they don't send mean no harm.
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null);
    else void parseJson(request, body, done);
  });

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'ClusterPlex-TS orchestrator', version: VERSION },
      components: { securitySchemes: { admin: { type: 'http', scheme: 'bearer' } } },
      security: [{ admin: [] }],
    },
  });
  app.addHook('onRoute', (route) => {
    const { response, ...schema } = route.schema ?? {};
    const own = typeof response === 'object' ? response : {};
    const ofApi = route.url.startsWith('/api/');
    route.schema = {
      ...(ofApi ? { querystring: NoQuery } : {}),
      ...schema,
      response: {
        ...own,
        ...(ofApi ? { 400: ErrorView } : {}),
        ...(OPEN_ROUTES.has(route.url) ? {} : { 401: ErrorView }),
      },
    };
  });
  await app.register(fastifySSE, { heartbeatInterval: 15_000 });

  app.addHook('onRequest', async (request) => {
    const route = request.routeOptions.url ?? '';
    if (OPEN_ROUTES.has(route)) return;
    refuseStrangers(request.headers, access.adminToken !== null);
    if (access.adminToken === null) return;
    if (route === '/metrics' && access.metricsPublic) return;
    if (bearerMatches(request.headers.authorization, access.adminToken)) return;
    throw new CodedError(
      'unauthorized',
      'this needs the admin token',
      'that is its CLUSTERPLEX_ADMIN_TOKEN, or its CLUSTERPLEX_TOKEN; send it as Authorization: Bearer',
    );
  });

  app.setErrorHandler((error: FastifyError | CodedError, _request, reply) => {
    const { status, body } = describe(error);
    if (status >= 500) logger.error({ err: error }, 'a request failed');
    return reply.status(status).send(body);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/\?.*$/s, '');
    const body = errorView('not-found', `there is no ${request.method} ${path}`, 'see /api/v1/openapi.json');
    return reply.status(404).send(body);
  });
  return app;
}

export type App = Awaited<ReturnType<typeof createApp>>;

function describe(error: FastifyError | CodedError): { status: number; body: ErrorView } {
  if (error instanceof CodedError) {
    return { status: STATUS_OF[error.code], body: errorView(error.code, error.message, error.hint) };
  }
  const status = error.statusCode ?? 500;
  if (status >= 500) return { status: 500, body: errorView('internal', 'internal error', 'see the log') };
  const hint = status === 415 ? 'send Content-Type: application/json' : 'see /api/v1/openapi.json';
  return { status, body: errorView('bad-request', error.message, hint) };
}

function errorView(code: ErrorCode, message: string, hint: string | null): ErrorView {
  return { error: { code, message, hint } };
}

import { createHash, timingSafeEqual } from "node:crypto"
import * as Https from "node:https"
import * as Net from "node:net"
import * as Tls from "node:tls"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { ConfigurationError } from "../core/TokenError.js"

/** The sockets that are open. */
type Sockets = Set<Tls.TLSSocket>

const coded = (message: string, code: string): Error => Object.assign(new Error(message), { code })

const closed = (): Error => coded("the connection was closed", "ECONNRESET")

/** The SHA-1 digest of the server's own certificate; the chain above it, its names and its dates don't matter. */
const isPinned = (socket: Tls.TLSSocket, digest: Uint8Array): boolean => {
  const { raw } = socket.getPeerCertificate()
  return raw !== undefined && timingSafeEqual(createHash("sha1").update(raw).digest(), digest)
}

/** Says in place of Node whether the server is the one that is meant: no session is resumed, so it always shows itself. */
const connect = (sockets: Sockets, url: URL, digest: Uint8Array): Effect.Effect<Tls.TLSSocket, Error> =>
  Effect.async((resume) => {
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1")
    const socket = Tls.connect({
      host,
      port: Number(url.port || 443),
      servername: Net.isIP(host) === 0 ? host : "",
      ALPNProtocols: ["http/1.1"],
      rejectUnauthorized: false
    })
    sockets.add(socket)
    socket.on("error", (cause) => resume(Effect.fail(cause)))
    socket.once("close", () => {
      sockets.delete(socket)
      resume(Effect.fail(closed()))
    })
    socket.once("secureConnect", () => {
      if (isPinned(socket, digest)) return resume(Effect.succeed(socket))
      resume(Effect.fail(coded("the certificate has another thumbprint", "CERT_THUMBPRINT_MISMATCH")))
      socket.destroy()
    })
    return Effect.sync(() => socket.destroy())
  })

type Created = (error: Error | null, socket?: Tls.TLSSocket) => void

/** An agent that has this one socket to give. */
const agentOf = (socket: Tls.TLSSocket): Https.Agent =>
  Object.assign(new Https.Agent({ keepAlive: false }), {
    createConnection: (_: unknown, done: Created) => (socket.destroyed ? done(closed()) : done(null, socket))
  })

/** For one request alone, after which the socket is closed. */
const clientOver = (socket: Tls.TLSSocket): Effect.Effect<HttpClient.HttpClient> => {
  const agent = agentOf(socket)
  return Effect.provideService(NodeHttpClient.make, NodeHttpClient.HttpAgent, {
    [NodeHttpClient.HttpAgentTypeId]: NodeHttpClient.HttpAgentTypeId,
    http: agent,
    https: agent
  })
}

/** The address of a request; a certificate that never comes is never the one that is meant. */
const addressOf = (request: HttpClientRequest.HttpClientRequest): Effect.Effect<URL, HttpClientError.RequestError> =>
  Option.match(
    Option.filter(HttpClientRequest.toUrl(request), ({ protocol }) => protocol === "https:"),
    {
      onNone: () =>
        new HttpClientError.RequestError({
          request,
          reason: "InvalidUrl",
          description: "only https has a certificate to check",
          cause: coded("only https has a certificate to check", "CERT_REQUIRED")
        }),
      onSome: Effect.succeed
    }
  )

const execute = (sockets: Sockets, digest: Uint8Array) => (request: HttpClientRequest.HttpClientRequest) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const url = yield* addressOf(request)
      const socket = yield* restore(connect(sockets, url, digest)).pipe(
        Effect.mapError((cause) => new HttpClientError.RequestError({ request, reason: "Transport", cause }))
      )
      const client = yield* clientOver(socket)
      return yield* Effect.onError(restore(client.execute(request)), () => Effect.sync(() => socket.destroy()))
    })
  )

const digestOf = (thumbprint: string): Either.Either<Uint8Array, ConfigurationError> =>
  Encoding.decodeHex(thumbprint.replaceAll(/[\s:]/g, "").toLowerCase()).pipe(
    Either.filterOrLeft(
      ({ length }) => length === 20,
      () => undefined
    ),
    Either.mapLeft(
      () =>
        new ConfigurationError({
          parameter: "IDENTITY_SERVER_THUMBPRINT",
          expected: "the SHA-1 thumbprint of a certificate: 40 hexadecimal digits",
          remedy: "Leave it as Service Fabric has set it."
        })
    )
  )

/**
 * Makes clients that ask only a server whose certificate has a thumbprint. A connection serves one request: it is rare, and
 * nothing then carries over from one server to the next.
 *
 * @internal
 */
export const make: Effect.Effect<
  (thumbprint: string) => Effect.Effect<HttpClient.HttpClient, ConfigurationError>,
  never,
  Scope.Scope
> = Effect.map(
  Effect.acquireRelease(
    Effect.sync((): Sockets => new Set()),
    (sockets) =>
      Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
      })
  ),
  (sockets) => (thumbprint) =>
    Effect.map(digestOf(thumbprint), (digest) =>
      HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
        Effect.flatMap(execute(sockets, digest)),
        Effect.succeed
      )
    )
)
